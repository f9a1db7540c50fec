package compat

import (
	"bytes"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// event is an invoke with an event.
func event(name, payload string) *lambda.InvokeInput {
	return &lambda.InvokeInput{FunctionName: &name, Payload: []byte(payload)}
}

func invokeScenarios() []scenario {
	all := []scenario{
		{recording: "TestLambdaFeatures::test_basic_invoke", perform: basicInvoke},
		{recording: "TestLambdaFeatures::test_lambda_environment", perform: invokeEnvironment},
		{recording: "TestLambdaBaseFeatures::test_large_payloads", perform: largePayload, note: "no answer was recorded: what was sent must come back"},
		{recording: "TestRequestIdHandling::test_request_id_invoke", perform: requestIDs, note: "the lines are read from the tail of the log"},
		returned("test_invocation_type_no_return_payload[python-RequestResponse]", "python3.12", "none.py", ""),
		returned("test_invocation_type_no_return_payload[python-Event]", "python3.12", "none.py", types.InvocationTypeEvent),
	}
	for _, python := range []string{"python3.9", "python3.10"} {
		all = append(all,
			returned("test_invocation_type_request_response["+python+"]", python, "empty.py", ""),
			returned("test_invocation_type_event["+python+"]", python, "empty.py", types.InvocationTypeEvent),
			returned("test_invocation_type_dry_run["+python+"]", python, "empty.py", types.InvocationTypeDryRun))
	}
	return append(all, beforeAnyRuntime()...)
}

// beforeAnyRuntime are scenarios of another runtime whose answer is given before the
// function runs.
func beforeAnyRuntime() []scenario {
	all := []scenario{
		returned("test_invocation_type_dry_run[nodejs16.x]", "python3.12", "empty.py", types.InvocationTypeDryRun),
		returned("test_invocation_type_event[nodejs16.x]", "python3.12", "empty.py", types.InvocationTypeEvent),
		returned("test_invocation_type_no_return_payload[nodejs-Event]", "python3.12", "none.py", types.InvocationTypeEvent),
	}
	for i := range all {
		all[i].note = "Python stands in for Node.js: the answer is given before the function runs"
	}
	return all
}

// returned is one invoke of one type, with nothing to see but its answer.
func returned(test, python, source string, how types.InvocationType) scenario {
	return scenario{recording: "TestLambdaFeatures::" + test, perform: func(s *session) {
		in := event(s.create(s.usual(s.name("<function-name:1>"), "handler.handler", source, s.python(python))), "{}")
		in.InvocationType = how
		see(s, "invoke-result", s.api.Invoke, in)
	}}
}

func basicInvoke(s *session) {
	first, second := s.name("<function-name:1>"), s.name("<function-name:2>")
	see(s, "lambda_create_fn", s.api.CreateFunction, s.bare(first, "index.handler", "empty.py", s.python("python3.9")))
	s.active(first)
	see(s, "lambda_get_fn", s.api.GetFunction, get(first))
	see(s, "lambda_create_fn_2", s.api.CreateFunction, s.bare(second, "index.handler", "empty.py", s.python("python3.9")))
	s.active(second)
	see(s, "lambda_get_fn_2", s.api.GetFunction, get(second))
	see(s, "lambda_invoke_result", s.api.Invoke, event(first, ""))
}

func invokeEnvironment(s *session) {
	name := s.name("<function-name:1>")
	see(s, "creation-result", s.api.CreateFunction, s.usual(name, "handler.handler", "environment.py",
		environment(map[string]string{"Hello": "World"}), s.python("python3.9")))
	s.active(name)
	see(s, "get-configuration-result", s.api.GetFunctionConfiguration, getConfiguration(name))
	see(s, "invocation-result", s.api.Invoke, event(name, "{}"))
}

// largePayload sends nearly as much as Lambda takes: 6 MiB with what JSON adds.
func largePayload(s *session) {
	name := s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "echo.py"))
	payload := []byte(`{"test":"` + strings.Repeat("0", 6<<20-100) + `"}`)
	out := do(s, s.api.Invoke, &lambda.InvokeInput{FunctionName: &name, Payload: payload})
	got := bytes.ReplaceAll(out.Payload, []byte(`": "`), []byte(`":"`)) // Python's own way to write JSON
	s.same("the payload returned", bytes.Equal(got, payload), true)
	s.same("the status", out.StatusCode, int32(200))
}

func requestIDs(s *session) {
	in := event(s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "request_id.py")), "{}")
	in.LogType = types.LogTypeTail
	out := see(s, "invoke_result", s.api.Invoke, in)
	if out == nil {
		return
	}
	s.same("the request's own id", s.wire.last.Header.Get("X-Amzn-Requestid"), s.bindings["<request-id>"])
	s.seeValue("log_entries", map[string]any{"logs": linesWith(s.tail(aws.ToString(out.LogResult)), s.bindings["<request-id>"])})
}

// linesWith are the lines of a log that name a request.
func linesWith(log, id string) []any {
	var found []any
	for line := range strings.Lines(log) {
		if strings.Contains(line, id) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}
