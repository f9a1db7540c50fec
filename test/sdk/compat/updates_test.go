package compat

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func updateScenarios() []scenario {
	return []scenario{
		{recording: "TestLambdaFunction::test_redundant_updates", perform: redundantUpdates},
		{
			recording: "TestLambdaFunction::test_lambda_concurrent_config_updates", perform: concurrentUpdates,
			note: "Lambent may be done before the second update arrives: the two are sent until they meet",
		},
		{recording: "TestPartialARNMatching::test_update_function_configuration_full_arn", perform: updateByARN, note: "no answer was recorded: the update must succeed"},
	}
}

func describe(name, description string) *lambda.UpdateFunctionConfigurationInput {
	return &lambda.UpdateFunctionConfigurationInput{FunctionName: &name, Description: &description}
}

func redundantUpdates(s *session) {
	name := s.name("<function-name:1>")
	see(s, "create_response", s.api.CreateFunction, s.usual(name, "handler.handler", "echo.py",
		func(in *lambda.CreateFunctionInput) { in.Description = aws.String("Initial description") }))
	s.active(name)
	const description = "1st update description"
	see(s, "first_update_result", s.api.UpdateFunctionConfiguration, describe(name, description))
	s.updated(name)
	see(s, "get_fn_config_result", s.api.GetFunctionConfiguration, getConfiguration(name))
	see(s, "get_fn_result", s.api.GetFunction, get(name))
	see(s, "redundant_update_result", s.api.UpdateFunctionConfiguration, describe(name, description))
	s.updated(name)
	see(s, "get_fn_result_after_redundant_update", s.api.GetFunction, get(name))
}

func concurrentUpdates(s *session) {
	name := s.name("<function-name:1>")
	see(s, "create-function-response", s.api.CreateFunction, s.usual(name, "handler.handler", "echo.py"))
	s.active(name)
	var err error
	s.until("an update met another", func() bool {
		s.updated(name)
		do(s, s.api.UpdateFunctionConfiguration, describe(name, "first"))
		_, err = s.api.UpdateFunctionConfiguration(s.Context(), describe(name, "second"))
		return s.wire.last.Status == http.StatusConflict
	})
	s.check("update-during-in-progress-update-exc", s.expected("update-during-in-progress-update-exc"), err)
}

func updateByARN(s *session) {
	name := s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "echo.py"))
	out := do(s, s.api.UpdateFunctionConfiguration, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String(arnOf("function:" + name)), Environment: &types.Environment{Variables: map[string]string{"ENV_A": "a"}},
	})
	s.same("the environment", out.Environment.Variables, map[string]string{"ENV_A": "a"})
}
