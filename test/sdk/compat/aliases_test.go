package compat

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func aliasScenarios() []scenario {
	return []scenario{
		{recording: "TestLambdaAlias::test_non_existent_alias_deletion", perform: deleteNoAlias},
		{recording: "TestLambdaAlias::test_notfound_and_invalid_routingconfigs", perform: routingConfigs},
		{recording: "TestLambdaAliases::test_lambda_alias_moving", perform: movingAlias},
	}
}

var staging = environment(map[string]string{"testenv": "staging"})

func deleteNoAlias(s *session) {
	name := s.name("<function-name:1>")
	see(s, "create_response", s.api.CreateFunction, s.bare(name, "index.handler", "echo.py", staging))
	s.active(name)
	see(s, "delete_alias_response", s.api.DeleteAlias, &lambda.DeleteAliasInput{FunctionName: &name, Name: aws.String("non-existent")})
}

// aliasTo asks for an alias of a version, with the share of others; nil is no routing.
func aliasTo(function, alias, version string, weights map[string]float64) *lambda.CreateAliasInput {
	in := &lambda.CreateAliasInput{FunctionName: &function, Name: &alias, FunctionVersion: &version}
	if weights != nil {
		in.RoutingConfig = &types.AliasRoutingConfiguration{AdditionalVersionWeights: weights}
	}
	return in
}

func routingConfigs(s *session) {
	name := s.name("<function-name:1>")
	twoVersions(s, name)
	see(s, "create-alias-latest", s.api.CreateAlias, aliasTo(name, "custom-latest", "$LATEST", nil))
	type weights = map[string]float64
	for _, refused := range []struct {
		step, function, version string
		weights                 weights
	}{
		{"routing_config_exc_toomany", name, "1", weights{"1": 0.2, "2": 0.1}},
		{"routing_config_exc_toohigh", name, "1", weights{"2": 2}},
		{"routing_config_exc_subzero", name, "1", weights{"2": -1}},
		{"routing_config_exc_sameversion", name, "1", weights{"1": 0.5}},
		{"routing_config_exc_version_latest", name, "1", weights{"$LATEST": 0.5}},
		{"routing_config_exc_version_doesnotexist", name, "1", weights{"10": 0.5}},
		{"routing_config_exc_fn_doesnotexist", name + "-unknown", "1", weights{"2": 0.5}},
		{"target_version_doesnotexist", name, "10", weights{"2": 0.5}},
		{"target_version_exc_version_latest", name, "$LATEST", weights{"1": 0.5}},
	} {
		see(s, refused.step, s.api.CreateAlias, aliasTo(refused.function, "custom", refused.version, refused.weights))
	}
	see(s, "create_alias_empty_routingconfig", s.api.CreateAlias, aliasTo(name, "custom-empty-routingconfig", "1", weights{}))
	see(s, "create_alias_response", s.api.CreateAlias, aliasTo(name, "custom", "1", weights{"2": 0.5}))
	see(s, "routing_config_exc_already_exist", s.api.CreateAlias, aliasTo(name, "custom", "1", weights{"2": 0.5}))
	see(s, "alias_does_not_exist_esc", s.api.GetAlias, &lambda.GetAliasInput{FunctionName: &name, Name: aws.String("non-existent")})
}

func twoVersions(s *session, name string) {
	see(s, "create_response", s.api.CreateFunction, s.bare(name, "index.handler", "echo.py", staging,
		func(in *lambda.CreateFunctionInput) { in.Publish = true }))
	s.active(name)
	see(s, "publish_v1", s.api.PublishVersion, publish(name))
	do(s, s.api.UpdateFunctionConfiguration, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &name, Environment: &types.Environment{Variables: map[string]string{"testenv": "prod"}},
	})
	s.updated(name)
	see(s, "publish_v2", s.api.PublishVersion, publish(name))
}

func movingAlias(s *session) {
	name := s.name("<function-name:1>")
	alias := arnOf("function:" + name + ":alias1")
	see(s, "create_response", s.api.CreateFunction, s.bare(name, "handler.handler", "version1.py",
		func(in *lambda.CreateFunctionInput) { in.Description = aws.String("No version :(") }))
	s.active(name)
	do(s, s.api.PublishVersion, &lambda.PublishVersionInput{FunctionName: &name, Description: aws.String("First version description :)")})
	see(s, "create_alias_response", s.api.CreateAlias, aliasTo(name, "alias1", "1", nil))
	see(s, "invocation_result_qualifier_v1", s.api.Invoke, qualified(name, "alias1"))
	see(s, "invocation_result_qualifier_v1_arn", s.api.Invoke, event(alias, "{}"))
	see(s, "update_lambda_response", s.api.UpdateFunctionCode, &lambda.UpdateFunctionCodeInput{FunctionName: &name, ZipFile: s.pack("handler.handler", "version2.py")})
	s.updated(name)
	see(s, "invocation_result_qualifier_v1_after_update", s.api.Invoke, qualified(name, "alias1"))
	see(s, "second_publish_response", s.api.PublishVersion,
		&lambda.PublishVersionInput{FunctionName: &name, Description: aws.String("Second version description :)")})
	see(s, "invocation_result_qualifier_v1_after_publish", s.api.Invoke, qualified(name, "alias1"))
	see(s, "update_alias_response", s.api.UpdateAlias,
		&lambda.UpdateAliasInput{FunctionName: &name, Name: aws.String("alias1"), FunctionVersion: aws.String("2")})
	see(s, "invocation_result_qualifier_v2", s.api.Invoke, qualified(name, "alias1"))
	see(s, "invocation_exc_not_existent", s.api.Invoke, qualified(name, "non-existent-alias"))
}

func qualified(name, qualifier string) *lambda.InvokeInput {
	in := event(name, "{}")
	in.Qualifier = &qualifier
	return in
}
