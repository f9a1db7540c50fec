package sdk

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestEventInvokeConfig(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	arn := deploy(t, client, creation(t, "echo", "app.py", "app.echo")).FunctionArn
	name, queue := aws.String("echo"), aws.String("arn:aws:sqs:us-east-1:000000000000:q")
	put, err := client.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: name, MaximumRetryAttempts: aws.Int32(0), DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: queue}},
	})
	if err != nil || aws.ToString(put.FunctionArn) != *arn+":$LATEST" || put.MaximumEventAgeInSeconds != nil || time.Since(aws.ToTime(put.LastModified)).Abs() > time.Minute {
		t.Fatalf("%+v, %v", put, err)
	}
	update, err := client.UpdateFunctionEventInvokeConfig(t.Context(), &lambda.UpdateFunctionEventInvokeConfigInput{FunctionName: name, MaximumEventAgeInSeconds: aws.Int32(60)})
	if err != nil || aws.ToInt32(update.MaximumEventAgeInSeconds) != 60 {
		t.Errorf("%+v, %v", update, err)
	}
	got, err := client.GetFunctionEventInvokeConfig(t.Context(), &lambda.GetFunctionEventInvokeConfigInput{FunctionName: name})
	if err != nil || got.MaximumRetryAttempts == nil || *got.MaximumRetryAttempts != 0 || aws.ToInt32(got.MaximumEventAgeInSeconds) != 60 ||
		got.DestinationConfig.OnFailure == nil || aws.ToString(got.DestinationConfig.OnFailure.Destination) != *queue {
		t.Errorf("%+v, %v", got, err)
	}
	list, err := client.ListFunctionEventInvokeConfigs(t.Context(), &lambda.ListFunctionEventInvokeConfigsInput{FunctionName: name})
	if err != nil || len(list.FunctionEventInvokeConfigs) != 1 || list.NextMarker != nil {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := client.DeleteFunctionEventInvokeConfig(t.Context(), &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: name}); err != nil {
		t.Error(err)
	}
	_, err = client.GetFunctionEventInvokeConfig(t.Context(), &lambda.GetFunctionEventInvokeConfigInput{FunctionName: name})
	var gone *types.ResourceNotFoundException
	if !errors.As(err, &gone) || gone.ErrorMessage() != "The function "+*arn+":$LATEST doesn't have an EventInvokeConfig" {
		t.Errorf("after its deletion: %v", err)
	}
}
