package sdk

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// What tools read after a create, and what comes of setting it.
func TestFunctionSettings(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	deploy(t, client, creation(t, "echo", "app.py", "app.echo"))
	name := aws.String("echo")
	signing, err := client.GetFunctionCodeSigningConfig(t.Context(), &lambda.GetFunctionCodeSigningConfigInput{FunctionName: name})
	if err != nil || signing.CodeSigningConfigArn != nil {
		t.Errorf("code signing %+v, %v", signing, err)
	}
	management, err := client.GetRuntimeManagementConfig(t.Context(), &lambda.GetRuntimeManagementConfigInput{FunctionName: name})
	if err != nil || management.UpdateRuntimeOn != types.UpdateRuntimeOnAuto || management.RuntimeVersionArn != nil {
		t.Errorf("runtime management %+v, %v", management, err)
	}
	recursion := func() types.RecursiveLoop {
		t.Helper()
		out, err := client.GetFunctionRecursionConfig(t.Context(), &lambda.GetFunctionRecursionConfigInput{FunctionName: name})
		if err != nil {
			t.Fatal(err)
		}
		return out.RecursiveLoop
	}
	if loop := recursion(); loop != types.RecursiveLoopTerminate {
		t.Errorf("recursion by default: %s", loop)
	}
	put, err := client.PutFunctionRecursionConfig(t.Context(), &lambda.PutFunctionRecursionConfigInput{FunctionName: name, RecursiveLoop: types.RecursiveLoopAllow})
	if err != nil || put.RecursiveLoop != types.RecursiveLoopAllow || recursion() != types.RecursiveLoopAllow {
		t.Errorf("recursion %+v, %v", put, err)
	}
}
