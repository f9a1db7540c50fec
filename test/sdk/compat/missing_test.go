package compat

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// reader is an operation on one function, by the name that the recordings give it.
type reader struct {
	operation string
	see       func(s *session, step, function string, qualifier *string)
}

var readers = []reader{
	{"delete_function", func(s *session, step, function string, qualifier *string) {
		see(s, step, s.api.DeleteFunction, &lambda.DeleteFunctionInput{FunctionName: &function, Qualifier: qualifier})
	}},
	{"get_function", func(s *session, step, function string, qualifier *string) {
		see(s, step, s.api.GetFunction, &lambda.GetFunctionInput{FunctionName: &function, Qualifier: qualifier})
	}},
	{"get_function_configuration", func(s *session, step, function string, qualifier *string) {
		see(s, step, s.api.GetFunctionConfiguration, &lambda.GetFunctionConfigurationInput{FunctionName: &function, Qualifier: qualifier})
	}},
	{"get_function_event_invoke_config", func(s *session, step, function string, qualifier *string) {
		see(s, step, s.api.GetFunctionEventInvokeConfig, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: &function, Qualifier: qualifier})
	}},
	{"get_function_code_signing_config", func(s *session, step, function string, _ *string) {
		see(s, step, s.api.GetFunctionCodeSigningConfig, &lambda.GetFunctionCodeSigningConfigInput{FunctionName: &function})
	}},
	{"get_function_concurrency", func(s *session, step, function string, _ *string) {
		see(s, step, s.api.GetFunctionConcurrency, &lambda.GetFunctionConcurrencyInput{FunctionName: &function})
	}},
	{"invoke", func(s *session, step, function string, qualifier *string) {
		see(s, step, s.api.Invoke, &lambda.InvokeInput{FunctionName: &function, Qualifier: qualifier})
	}},
}

// missingScenarios are the same question about what is not there, put by each operation
// that a recording has it for.
func missingScenarios() []scenario {
	var all []scenario
	for _, r := range readers {
		for _, family := range []struct {
			name    string
			perform func(*session, reader)
			without map[string]bool // operations that it was not recorded for
		}{
			{"test_get_function_wrong_region", wrongRegion, nil},
			{"test_ops_on_nonexisting_fn", nonexistingFunction, map[string]bool{"invoke": true}},
			{"test_ops_on_nonexisting_version", nonexistingVersion, map[string]bool{
				"invoke": true, "delete_function": true, "get_function_code_signing_config": true, "get_function_concurrency": true,
			}},
			{"test_ops_with_arn_qualifier_mismatch", qualifierMismatch, map[string]bool{
				"invoke": true, "get_function_code_signing_config": true, "get_function_concurrency": true, "get_function_event_invoke_config": true,
			}},
		} {
			if !family.without[r.operation] {
				all = append(all, scenario{
					recording: "TestLambdaFunction::" + family.name + "[" + r.operation + "]",
					perform:   func(s *session) { family.perform(s, r) },
				})
			}
		}
	}
	return all
}

func wrongRegion(s *session, r reader) {
	const elsewhere = "eu-west-3"
	s.bind("<wrong-region>", elsewhere)
	r.see(s, "wrong_region_exception", "arn:aws:lambda:"+elsewhere+":"+account+":function:any-function", nil)
}

func nonexistingFunction(s *session, r reader) {
	r.see(s, "not_found_exception", s.name("<nonexisting-fn-name>"), nil)
}

func nonexistingVersion(s *session, r reader) {
	name := s.create(s.usual(s.name("<fn-name>"), "handler.handler", "echo.py"))
	r.see(s, "version_not_found_exception", name, aws.String("1221"))
}

func qualifierMismatch(s *session, r reader) {
	function := arnOf("function:some-function:$LATEST")
	r.see(s, "not_match_exception", function, aws.String("1"))
	r.see(s, "match_exception", function, aws.String("$LATEST"))
}
