package compat

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

func permissionScenarios() []scenario {
	return []scenario{
		{recording: "TestLambdaPermissions::test_permission_exceptions", perform: permissionExceptions},
		{recording: "TestLambdaPermissions::test_remove_multi_permissions", perform: removePermissions},
	}
}

// allow asks for the permission of a service to invoke.
func allow(function, statement, principal string, qualifier *string) *lambda.AddPermissionInput {
	return &lambda.AddPermissionInput{
		FunctionName: &function, StatementId: &statement, Principal: &principal, Qualifier: qualifier,
		Action: aws.String("lambda:InvokeFunction"),
	}
}

func revoke(function, statement string, qualifier *string) *lambda.RemovePermissionInput {
	return &lambda.RemovePermissionInput{FunctionName: &function, StatementId: &statement, Qualifier: qualifier}
}

func permissionExceptions(s *session) {
	const service = "s3.amazonaws.com"
	name := s.create(s.usual(s.name("<function-name>"), "handler.handler", "echo.py"))
	see(s, "remove_permission_policy_doesnotexist", s.api.RemovePermission, revoke(name, "s3", nil))
	for step, in := range map[string]*lambda.AddPermissionInput{
		"add_permission_invalid_statement_id":            allow(name, "example.com", service, nil),
		"add_permission_principal_invalid":               allow(name, "s3", "invalid.nonaws.com", nil),
		"add_permission_fn_doesnotexist":                 allow("doesnotexist", "s3", service, nil),
		"add_permission_fn_qualifier_mismatch":           allow(name+":alias-not-42", "s3", service, aws.String("42")),
		"add_permission_fn_qualifier_latest":             allow(name, "s3", service, aws.String("$LATEST")),
		"add_permission_fn_qualifier_invalid":            allow(name, "s3", service, aws.String("invalid-qualifier-with-?-char")),
		"add_permission_fn_qualifier_valid_doesnotexist": allow(name, "s3", service, aws.String("valid-with-$-but-doesnotexist")),
		"add_permission_fn_alias_doesnotexist":           allow(name, "s3", service, aws.String("alias-doesnotexist")),
		"add_permission_fn_version_doesnotexist":         allow(name, "s3", service, aws.String("42")),
	} {
		see(s, step, s.api.AddPermission, in)
	}
	do(s, s.api.AddPermission, allow(name, "s3", service, nil))
	see(s, "add_permission_conflicting_statement_id", s.api.AddPermission, allow(name, "s3", service, nil))
	see(s, "get_policy_fn_doesnotexist", s.api.GetPolicy, &lambda.GetPolicyInput{FunctionName: aws.String("doesnotexist")})
	see(s, "get_policy_fn_version_doesnotexist", s.api.GetPolicy, &lambda.GetPolicyInput{FunctionName: &name, Qualifier: aws.String("42")})
	see(s, "remove_permission_fn_doesnotexist", s.api.RemovePermission, revoke("doesnotexist", "s3", nil))
	see(s, "remove_permission_fn_alias_doesnotexist", s.api.RemovePermission, revoke(name, "s3", aws.String("alias-doesnotexist")))
}

func removePermissions(s *session) {
	name := s.create(s.usual(s.name("<resource:1>"), "handler.handler", "echo.py"))
	policy := &lambda.GetPolicyInput{FunctionName: &name}
	see(s, "add_permission_1", s.api.AddPermission, allow(name, "s3", "s3.amazonaws.com", nil))
	second := allow(name, "sqs", "sqs.amazonaws.com", nil)
	second.SourceArn = aws.String("arn:aws:s3:::" + s.name("<resource:2>"))
	see(s, "add_permission_2", s.api.AddPermission, second)
	see(s, "policy_after_2_add", s.api.GetPolicy, policy)
	see(s, "remove_permission_exception_nonexisting_sid", s.api.RemovePermission, revoke(name, "non-existent", nil))
	do(s, s.api.RemovePermission, revoke(name, "sqs", nil))
	see(s, "policy_after_removal", s.api.GetPolicy, policy)
	_, _ = s.api.RemovePermission(s.Context(), revoke(name, "sqs", nil)) // gone already: the policy stays as it is
	see(s, "policy_after_removal_attempt", s.api.GetPolicy, policy)
	do(s, s.api.RemovePermission, revoke(name, "s3", nil))
	see(s, "get_policy_exception_removed_all", s.api.GetPolicy, policy)
}
