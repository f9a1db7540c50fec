package compat

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func provisionedScenarios() []scenario {
	const slow = "the function takes a second to initialise: its state is met before that"
	return []scenario{
		{recording: "TestLambdaConcurrency::test_provisioned_concurrency", perform: provisionFive, note: slow},
		{recording: "TestLambdaConcurrency::test_provisioned_concurrency_init_failure", perform: provisionBroken, note: slow},
		{
			recording: "TestLambdaConcurrency::test_lambda_provisioned_concurrency_scheduling", perform: provisionOne,
			note: "no schedule was recorded, only what there is after it",
		},
		{recording: "TestLambdaConcurrency::test_reserved_provisioned_overlap", perform: provisionReserved, note: slow},
		{recording: "TestLambdaConcurrency::test_lambda_provisioned_concurrency_moves_with_alias", perform: provisionAlias, note: slow},
		{recording: "TestLambdaConcurrency::test_lambda_concurrency_block", perform: concurrencyBlock},
	}
}

func provision(name, qualifier string, n int32) *lambda.PutProvisionedConcurrencyConfigInput {
	return &lambda.PutProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: &qualifier, ProvisionedConcurrentExecutions: &n}
}

func provisionOf(name, qualifier string) *lambda.GetProvisionedConcurrencyConfigInput {
	return &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: &qualifier}
}

// provisioned waits until a configuration has a status.
func (s *session) provisioned(name, qualifier string, status types.ProvisionedConcurrencyStatusEnum) {
	s.Helper()
	s.until("provisioned concurrency is "+string(status), func() bool {
		return do(s, s.api.GetProvisionedConcurrencyConfig, provisionOf(name, qualifier)).Status == status
	})
}

func provisionFive(s *session) {
	name := s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "slow.py"))
	do(s, s.api.PublishVersion, publish(name))
	see(s, "put_provisioned_5", s.api.PutProvisionedConcurrencyConfig, provision(name, "1", 5))
	see(s, "get_provisioned_prewait", s.api.GetProvisionedConcurrencyConfig, provisionOf(name, "1"))
	s.provisioned(name, "1", types.ProvisionedConcurrencyStatusEnumReady)
	see(s, "get_provisioned_postwait", s.api.GetProvisionedConcurrencyConfig, provisionOf(name, "1"))
}

func provisionBroken(s *session) {
	name := s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "broken.py"))
	do(s, s.api.PublishVersion, publish(name))
	see(s, "put_provisioned", s.api.PutProvisionedConcurrencyConfig, provision(name, "1", 1))
	see(s, "get_provisioned_prewait", s.api.GetProvisionedConcurrencyConfig, provisionOf(name, "1"))
	s.provisioned(name, "1", types.ProvisionedConcurrencyStatusEnumFailed)
	see(s, "get_provisioned_postwait", s.api.GetProvisionedConcurrencyConfig, provisionOf(name, "1"))
}

func provisionOne(s *session) {
	name := s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "echo.py"))
	do(s, s.api.PublishVersion, publish(name))
	do(s, s.api.PutProvisionedConcurrencyConfig, provision(name, "1", 1))
	s.provisioned(name, "1", types.ProvisionedConcurrencyStatusEnumReady)
	see(s, "get_provisioned_postwait", s.api.GetProvisionedConcurrencyConfig, provisionOf(name, "1"))
}

func provisionReserved(s *session) {
	name := s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "slow.py"))
	do(s, s.api.PublishVersion, publish(name))
	see(s, "put_provisioned_5", s.api.PutProvisionedConcurrencyConfig, provision(name, "1", 2))
	see(s, "get_provisioned_prewait", s.api.GetProvisionedConcurrencyConfig, provisionOf(name, "1"))
	s.provisioned(name, "1", types.ProvisionedConcurrencyStatusEnumReady)
	see(s, "get_provisioned_postwait", s.api.GetProvisionedConcurrencyConfig, provisionOf(name, "1"))
	reserve := func(n int32) *lambda.PutFunctionConcurrencyInput {
		return &lambda.PutFunctionConcurrencyInput{FunctionName: &name, ReservedConcurrentExecutions: &n}
	}
	see(s, "reserved_lower_than_provisioned_exc", s.api.PutFunctionConcurrency, reserve(1))
	do(s, s.api.PutFunctionConcurrency, reserve(2))
	see(s, "get_concurrency", s.api.GetFunctionConcurrency, &lambda.GetFunctionConcurrencyInput{FunctionName: &name})
	see(s, "reserved_equals_provisioned_latest_invoke_exc", s.api.Invoke, event(name, "{}"))
	see(s, "update_func_config", s.api.UpdateFunctionConfiguration, &lambda.UpdateFunctionConfigurationInput{FunctionName: &name, Timeout: aws.Int32(15)})
	s.updated(name)
	do(s, s.api.PublishVersion, publish(name))
	see(s, "reserved_equals_provisioned_another_provisioned_exc", s.api.PutProvisionedConcurrencyConfig, provision(name, "2", 1))
	see(s, "reserved_equals_provisioned_increase_provisioned_exc", s.api.PutProvisionedConcurrencyConfig, provision(name, "1", 3))
}

func provisionAlias(s *session) {
	name, alias := s.name("<function-name:1>"), "alias-of-"+s.name("<alias-name>")
	s.bindings["<alias-name>"] = alias
	see(s, "create-result", s.api.CreateFunction, s.usual(name, "handler.handler", "slow.py", s.python("python3.8"), seconds(2)))
	s.active(name)
	see(s, "get-function-configuration", s.api.GetFunctionConfiguration, &lambda.GetFunctionConfigurationInput{FunctionName: &name, Qualifier: aws.String("$LATEST")})
	see(s, "publish_version_1", s.api.PublishVersion, &lambda.PublishVersionInput{FunctionName: &name, Description: aws.String("my-first-version")})
	see(s, "get_function_configuration_version_1", s.api.GetFunctionConfiguration,
		&lambda.GetFunctionConfigurationInput{FunctionName: &name, Qualifier: aws.String("1")})
	see(s, "create_alias", s.api.CreateAlias, &lambda.CreateAliasInput{FunctionName: &name, Name: &alias, FunctionVersion: aws.String("1")})
	see(s, "get_function_before_provisioned", s.api.GetFunction, versionOf(name, "1"))
	see(s, "provisioned_concurrency_notfound", s.api.GetProvisionedConcurrencyConfig, provisionOf(name, alias))
	do(s, s.api.PutProvisionedConcurrencyConfig, provision(name, alias, 1))
	s.provisioned(name, alias, types.ProvisionedConcurrencyStatusEnumReady)
	see(s, "get_function_after_provisioned", s.api.GetFunction, versionOf(name, alias))
	s.moveAlias(name, alias)
}

func (s *session) moveAlias(name, alias string) {
	s.Helper()
	do(s, s.api.UpdateFunctionConfiguration, &lambda.UpdateFunctionConfigurationInput{FunctionName: &name, Timeout: aws.Int32(10)})
	s.updated(name)
	see(s, "get_function_after_update", s.api.GetFunctionConfiguration, getConfiguration(name))
	see(s, "publish_version_2", s.api.PublishVersion, publish(name))
	see(s, "update_alias", s.api.UpdateAlias, &lambda.UpdateAliasInput{FunctionName: &name, Name: &alias, FunctionVersion: aws.String("2")})
	see(s, "get_provisioned_config_after_alias_move", s.api.GetProvisionedConcurrencyConfig, provisionOf(name, alias))
}

func concurrencyBlock(s *session) {
	name := s.create(s.usual(s.name("<function-name:1>"), "handler.handler", "slow.py"))
	see(s, "v1_result", s.api.PublishVersion, publish(name))
	const greeting = `{"hello":"world"}`
	see(s, "invoke_latest_before_block", s.api.Invoke, event(name, greeting))
	see(s, "reserved_concurrency_result", s.api.PutFunctionConcurrency,
		&lambda.PutFunctionConcurrencyInput{FunctionName: &name, ReservedConcurrentExecutions: aws.Int32(1)})
	see(s, "provisioned_concurrency_result", s.api.PutProvisionedConcurrencyConfig, provision(name, "1", 1))
	s.provisioned(name, "1", types.ProvisionedConcurrencyStatusEnumReady)
	see(s, "invoke_latest_first_exc", s.api.Invoke, event(name, greeting))
	see(s, "invoke_latest_second_exc", s.api.Invoke, event(name, greeting))
	in := event(name, greeting)
	in.Qualifier = aws.String("1")
	see(s, "invoke_v1_after_block", s.api.Invoke, in)
}
