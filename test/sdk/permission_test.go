package sdk

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestPermissions(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	deploy(t, client, creation(t, "echo", "app.py", "app.echo"))
	name := aws.String("echo")
	add := func(in lambda.AddPermissionInput) (string, error) {
		in.FunctionName, in.Action = name, aws.String("lambda:InvokeFunction")
		out, err := client.AddPermission(t.Context(), &in)
		if err != nil {
			return "", err
		}
		return aws.ToString(out.Statement), nil
	}
	first, err := add(lambda.AddPermissionInput{
		StatementId: aws.String("s3"), Principal: aws.String("s3.amazonaws.com"),
		SourceArn: aws.String("arn:aws:s3:::bucket"), SourceAccount: aws.String("123456789012"),
	})
	const want = `{"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction",` +
		`"Resource":"arn:aws:lambda:us-east-1:000000000000:function:echo","Condition":{"StringEquals":{"AWS:SourceAccount":"123456789012"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::bucket"}}}`
	if err != nil || first != want {
		t.Errorf("%s, %v", first, err)
	}
	_, err = add(lambda.AddPermissionInput{StatementId: aws.String("s3"), Principal: aws.String("*")})
	var conflict *types.ResourceConflictException
	if !errors.As(err, &conflict) {
		t.Errorf("the same statement again: %v", err)
	}
	policy, err := client.GetPolicy(t.Context(), &lambda.GetPolicyInput{FunctionName: name})
	if err != nil || aws.ToString(policy.Policy) != `{"Version":"2012-10-17","Id":"default","Statement":[`+want+`]}` {
		t.Fatalf("%+v, %v", policy, err)
	}
	if revision := getFunction(t, client, "echo").Configuration.RevisionId; aws.ToString(revision) != aws.ToString(policy.RevisionId) {
		t.Errorf("revision %s of the policy, %s of the function", aws.ToString(policy.RevisionId), aws.ToString(revision))
	}
	_, err = add(lambda.AddPermissionInput{StatementId: aws.String("b"), Principal: aws.String("*"), RevisionId: aws.String("stale")})
	var stale *types.PreconditionFailedException
	if !errors.As(err, &stale) {
		t.Errorf("a stale revision: %v", err)
	}
	removeLast(t, client, policy.RevisionId)
}

// removeLast takes the only statement away: the policy is gone with it.
func removeLast(t *testing.T, client *lambda.Client, revision *string) {
	t.Helper()
	in := &lambda.RemovePermissionInput{FunctionName: aws.String("echo"), StatementId: aws.String("s3"), RevisionId: revision}
	if _, err := client.RemovePermission(t.Context(), in); err != nil {
		t.Error(err)
	}
	_, err := client.GetPolicy(t.Context(), &lambda.GetPolicyInput{FunctionName: in.FunctionName})
	var gone *types.ResourceNotFoundException
	if !errors.As(err, &gone) || gone.ErrorMessage() != "The resource you requested does not exist." {
		t.Errorf("no policy: %v", err)
	}
}
