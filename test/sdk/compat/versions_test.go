package compat

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

func versionScenarios() []scenario {
	const reads = "the reads after the update may meet the state that follows it: Lambent settles in milliseconds"
	return []scenario{
		{recording: "TestLambdaVersions::test_version_lifecycle", perform: versionLifecycle},
		{recording: "TestLambdaVersions::test_publish_with_wrong_sha256", perform: wrongSHA256},
		{recording: "TestLambdaVersions::test_publish_with_update", perform: publishWithUpdate, note: reads},
	}
}

func publish(name string) *lambda.PublishVersionInput {
	return &lambda.PublishVersionInput{FunctionName: &name}
}

func versionOf(name, qualifier string) *lambda.GetFunctionInput {
	return &lambda.GetFunctionInput{FunctionName: &name, Qualifier: &qualifier}
}

func versionsOf(name string) *lambda.ListVersionsByFunctionInput {
	return &lambda.ListVersionsByFunctionInput{FunctionName: &name}
}

func versionLifecycle(s *session) {
	name := s.name("<function-name:1>")
	see(s, "create_response", s.api.CreateFunction, s.bare(name, "index.handler", "echo.py",
		func(in *lambda.CreateFunctionInput) { in.Description = aws.String("No version :(") }))
	s.active(name)
	see(s, "get_function_result", s.api.GetFunction, get(name))
	see(s, "list_versions_result", s.api.ListVersionsByFunction, versionsOf(name))
	firstVersion(s, name)
	secondVersion(s, name)
	see(s, "list_versions_result_after_third_publish", s.api.ListVersionsByFunction, versionsOf(name))
	do(s, s.api.DeleteFunction, &lambda.DeleteFunctionInput{FunctionName: &name, Qualifier: aws.String("1")})
	see(s, "list_versions_result_after_deletion_of_first_version", s.api.ListVersionsByFunction, versionsOf(name))
}

func firstVersion(s *session, name string) {
	see(s, "first_update_response", s.api.UpdateFunctionConfiguration, describe(name, "First version :)"))
	s.updated(name)
	see(s, "first_update_get_function", s.api.GetFunction, get(name))
	see(s, "first_publish_response", s.api.PublishVersion,
		&lambda.PublishVersionInput{FunctionName: &name, Description: aws.String("First version description :)")})
	see(s, "first_publish_get_function", s.api.GetFunction, versionOf(name, "1"))
	see(s, "first_publish_get_function_config", s.api.GetFunctionConfiguration,
		&lambda.GetFunctionConfigurationInput{FunctionName: &name, Qualifier: aws.String("1")})
}

func secondVersion(s *session, name string) {
	see(s, "second_update_response", s.api.UpdateFunctionConfiguration, describe(name, "Second version :))"))
	s.updated(name)
	see(s, "first_publish_get_function_after_update", s.api.GetFunction, versionOf(name, "1"))
	see(s, "second_publish_response", s.api.PublishVersion, publish(name))
	see(s, "third_publish_response", s.api.PublishVersion,
		&lambda.PublishVersionInput{FunctionName: &name, Description: aws.String("Third version description :)))")})
}

func wrongSHA256(s *session) {
	name := s.name("<function-name:1>")
	see(s, "create_response", s.api.CreateFunction, s.bare(name, "index.handler", "echo.py"))
	s.active(name)
	see(s, "get_fn_response", s.api.GetFunction, get(name))
	see(s, "publish_wrong_sha256_exc", s.api.PublishVersion,
		&lambda.PublishVersionInput{FunctionName: &name, CodeSha256: aws.String("somenonexistentsha256")})
	see(s, "publish_result", s.api.PublishVersion, publish(name))
}

func publishWithUpdate(s *session) {
	name := s.name("<function-name:1>")
	see(s, "create_response", s.api.CreateFunction, s.bare(name, "index.handler", "echo.py"))
	s.active(name)
	see(s, "get_function_result", s.api.GetFunction, get(name))
	see(s, "update_function_code_result", s.api.UpdateFunctionCode,
		&lambda.UpdateFunctionCodeInput{FunctionName: &name, ZipFile: s.pack("index.handler", "second.py"), Publish: true})
	seeSettling(s, "get_function_version_result", s.api.GetFunction, versionOf(name, "1"))
	seeSettling(s, "get_function_latest_result", s.api.GetFunction, versionOf(name, "$LATEST"))
}
