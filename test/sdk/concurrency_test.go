package sdk

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// A reservation holds from the moment of its answer: none means no invocation.
func TestReservedConcurrency(t *testing.T) {
	needs(t)
	client := up(t, t.TempDir()).client()
	deploy(t, client, creation(t, "echo", "app.py", "app.echo"))
	name := aws.String("echo")
	answers(t, client, "echo", `1`, `1`)

	put, err := client.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(0)})
	if err != nil || aws.ToInt32(put.ReservedConcurrentExecutions) != 0 {
		t.Fatalf("%+v, %v", put, err)
	}
	throttles(t, client, "echo")
	if got := getFunction(t, client, "echo").Concurrency; got == nil || aws.ToInt32(got.ReservedConcurrentExecutions) != 0 {
		t.Errorf("GetFunction shows %+v", got)
	}
	if _, err := client.DeleteFunctionConcurrency(t.Context(), &lambda.DeleteFunctionConcurrencyInput{FunctionName: name}); err != nil {
		t.Fatal(err)
	}
	answers(t, client, "echo", `2`, `2`)
	none, err := client.GetFunctionConcurrency(t.Context(), &lambda.GetFunctionConcurrencyInput{FunctionName: name})
	if err != nil || none.ReservedConcurrentExecutions != nil {
		t.Errorf("%+v, %v", none, err)
	}
}

// throttles fails unless an invocation is refused as AWS refuses one that the
// reservation does not allow.
func throttles(t *testing.T, client *lambda.Client, name string) {
	t.Helper()
	_, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(name)})
	var throttle *types.TooManyRequestsException
	if !errors.As(err, &throttle) {
		t.Fatalf("invoking %s: %v", name, err)
	}
	if throttle.Reason != types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded || throttle.ErrorMessage() != "Rate Exceeded." ||
		aws.ToString(throttle.RetryAfterSeconds) != "1" || aws.ToString(throttle.Type) != "User" {
		t.Errorf("%+v", throttle)
	}
}

// A reservation outlives a restart, and holds from the first request on.
func TestReservationOutlivesRestart(t *testing.T) {
	t.Parallel()
	needs(t)
	data := t.TempDir()
	first := up(t, data)
	client := first.client()
	deploy(t, client, creation(t, "echo", "app.py", "app.echo"))
	_, err := client.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("echo"), ReservedConcurrentExecutions: aws.Int32(0)})
	if err != nil {
		t.Fatal(err)
	}
	first.kill()
	throttles(t, up(t, data).client(), "echo")
}

func TestAccountSettings(t *testing.T) {
	needs(t)
	client := up(t, t.TempDir()).client()
	in := creation(t, "echo", "app.py", "app.echo")
	in.Publish = true
	deploy(t, client, in)
	put := func(n int32) error {
		_, err := client.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("echo"), ReservedConcurrentExecutions: aws.Int32(n)})
		return err
	}
	if err := put(900); err != nil {
		t.Fatal(err)
	}
	out, err := client.GetAccountSettings(t.Context(), &lambda.GetAccountSettingsInput{})
	if err != nil {
		t.Fatal(err)
	}
	limit, used := out.AccountLimit, out.AccountUsage
	if limit.ConcurrentExecutions != 1000 || aws.ToInt32(limit.UnreservedConcurrentExecutions) != 100 || limit.TotalCodeSize != 80_530_636_800 ||
		limit.CodeSizeUnzipped != 262_144_000 || limit.CodeSizeZipped != 52_428_800 {
		t.Errorf("limits %+v", limit)
	}
	if used.FunctionCount != 1 || used.TotalCodeSize != 2*int64(len(in.Code.ZipFile)) {
		t.Errorf("usage %+v of %d bytes", used, len(in.Code.ZipFile))
	}
	var parameter *types.InvalidParameterValueException
	if err := put(901); !errors.As(err, &parameter) {
		t.Errorf("901 of 1000: %v", err)
	}
}
