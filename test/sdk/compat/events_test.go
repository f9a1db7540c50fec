package compat

import (
	"encoding/base64"

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
