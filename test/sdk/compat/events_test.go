package compat

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func eventScenarios() []scenario {
	return []scenario{
		{
			recording: "TestLambdaFeatures::test_invocation_type_event_error", perform: eventError,
			except: map[string]string{
				"log_events":                   "retries after a minute come later, and Lambent has no CloudWatch",
				"creation_response/RevisionId": "the recording has the invoke's request id here, a slip of its placeholders",
			},
		},
		{
			recording: "TestLambdaVersions::test_async_invoke_queue_upon_function_update", perform: queueUponUpdate,
			note: "the function reports to another function, not to a bucket",
		},
	}
}

func eventError(s *session) {
	name := s.name("<function-name:1>")
	see(s, "creation_response", s.api.CreateFunction, s.usual(name, "handler.handler", "custom.py", s.python("python3.10")))
	s.active(name)
	in := event(name, "{}")
	in.InvocationType = types.InvocationTypeEvent
	see(s, "invocation_response", s.api.Invoke, in)
}

// tail decodes the log that an answer carries.
func (s *session) tail(encoded string) string {
	s.Helper()
	log, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		s.Error(err)
	}
	return string(log)
}

// queueUponUpdate updates a function while its only instance is busy: what waits in the
// queue then runs as the function is by that time, not as it was when it was accepted.
func queueUponUpdate(s *session) {
	collector := s.one(s.usual(s.name("<function-name:1>"), "handler.handler", "collector.py"))
	variables := map[string]string{"COLLECTOR": collector, "VARIANT": "variant-1"}
	name := s.one(s.usual(s.name("<function-name:2>"), "handler.handler", "reporter.py", environment(variables)))
	send := func(payload string) {
		in := event(name, payload)
		in.InvocationType = types.InvocationTypeEvent
		do(s, s.api.Invoke, in)
	}
	send(`{"name":"01-sleep","sleep":2}`)
	s.until("the first event runs", func() bool { return len(s.notes(collector)) == 1 })
	for i := 2; i <= 10; i++ {
		send(fmt.Sprintf(`{"name":"%02d-before"}`, i))
	}
	variables["VARIANT"] = "variant-2"
	do(s, s.api.UpdateFunctionConfiguration, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &name, Environment: &types.Environment{Variables: variables},
	})
	s.updated(name)
	for i := 11; i <= 15; i++ {
		send(fmt.Sprintf(`{"name":"%02d-after"}`, i))
	}
	var history []any
	s.until("all events ran", func() bool { history = s.notes(collector); return len(history) >= 16 })
	s.seeValue("async_invoke_history_sorted", history[:15]) // "begun" is the last of the sorted
}

// one makes a function of which one instance runs at a time.
func (s *session) one(in *lambda.CreateFunctionInput) string {
	s.Helper()
	name := s.create(in)
	do(s, s.api.PutFunctionConcurrency, &lambda.PutFunctionConcurrencyInput{FunctionName: &name, ReservedConcurrentExecutions: aws.Int32(1)})
	return name
}

// notes are what a collector has been told, sorted; nothing while it is busy.
func (s *session) notes(collector string) []any {
	s.Helper()
	var notes []string
	if _, err := s.api.Invoke(s.Context(), event(collector, "{}")); err != nil {
		return nil
	}
	if err := json.Unmarshal(s.wire.last.Body, &notes); err != nil {
		s.Fatal(err)
	}
	slices.Sort(notes)
	var sorted []any
	for _, n := range notes {
		sorted = append(sorted, n)
	}
	return sorted
}
