package compat

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func loggingScenarios() []scenario {
	return []scenario{
		{recording: "TestLoggingConfig::test_function_advanced_logging_configuration", perform: advancedLogging},
		{recording: "TestLoggingConfig::test_advanced_logging_configuration_format_switch", perform: switchFormat},
	}
}

func logTo(name string, config types.LoggingConfig) *lambda.UpdateFunctionConfigurationInput {
	return &lambda.UpdateFunctionConfigurationInput{FunctionName: &name, LoggingConfig: &config}
}

func created(s *session, name string, changes ...change) {
	see(s, "create_response", s.api.CreateFunction, s.usual(name, "handler.handler", "echo.py", append(changes, seconds(5), megabytes(256))...))
	s.active(name)
	see(s, "get_function_response", s.api.GetFunction, get(name))
	see(s, "function_config", s.api.GetFunctionConfiguration, getConfiguration(name))
}

func advancedLogging(s *session) {
	name := s.name("<function-name:1>")
	created(s, name, func(in *lambda.CreateFunctionInput) { in.LoggingConfig = &types.LoggingConfig{LogFormat: "JSON"} })
	see(s, "updated_config", s.api.UpdateFunctionConfiguration, logTo(name, types.LoggingConfig{LogGroup: aws.String("cool_lambda")}))
	s.updated(name)
	see(s, "received_config", s.api.GetFunctionConfiguration, getConfiguration(name))
}

func switchFormat(s *session) {
	name := s.name("<function-name:1>")
	created(s, name)
	see(s, "updated_config", s.api.UpdateFunctionConfiguration, logTo(name, types.LoggingConfig{LogFormat: "JSON"}))
	s.updated(name)
	see(s, "received_config", s.api.GetFunctionConfiguration, getConfiguration(name))
	see(s, "updated_config_v2", s.api.UpdateFunctionConfiguration, logTo(name, types.LoggingConfig{LogFormat: "Text"}))
	s.updated(name)
	see(s, "received_config_v2", s.api.GetFunctionConfiguration, getConfiguration(name))
}
