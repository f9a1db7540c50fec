package sdk

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

func getFunction(t *testing.T, client *lambda.Client, name string) *lambda.GetFunctionOutput {
	t.Helper()
	out, err := client.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String(name)})
	if err != nil {
		t.Fatalf("getting %s: %v", name, err)
	}
	return out
}

func waitActive(t *testing.T, client *lambda.Client, name string) {
	t.Helper()
	waiter := lambda.NewFunctionActiveWaiter(client, func(o *lambda.FunctionActiveWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 200*time.Millisecond
	})
	if err := waiter.Wait(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(name)}, 20*time.Second); err != nil {
		t.Fatalf("waiting for %s: %v", name, err)
	}
}

var modified = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$`)

func TestLifecycle(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	in := creation(t, "echo", "app.py", "app.echo")
	in.Tags = map[string]string{"team": "shop", "lambent:isolation": "light"}
	in.Environment = &types.Environment{Variables: map[string]string{"SETTING": "on"}}
	created := deploy(t, client, in)

	got := getFunction(t, client, "echo")
	c := got.Configuration
	sum := sha256.Sum256(in.Code.ZipFile)
	if c.State != types.StateActive || c.LastUpdateStatus != types.LastUpdateStatusSuccessful || c.StateReasonCode != "" {
		t.Errorf("state %q, %q, %q", c.State, c.LastUpdateStatus, c.StateReasonCode)
	}
	if aws.ToString(c.CodeSha256) != base64.StdEncoding.EncodeToString(sum[:]) || c.CodeSize != int64(len(in.Code.ZipFile)) {
		t.Errorf("code %s, %d bytes", aws.ToString(c.CodeSha256), c.CodeSize)
	}
	if aws.ToString(c.RevisionId) == aws.ToString(created.RevisionId) || !modified.MatchString(aws.ToString(c.LastModified)) {
		t.Errorf("revision %s, modified %s", aws.ToString(c.RevisionId), aws.ToString(c.LastModified))
	}
	if got.Tags["team"] != "shop" || c.Environment.Variables["SETTING"] != "on" || aws.ToInt32(c.MemorySize) != 128 || c.EphemeralStorage == nil || aws.ToInt32(c.EphemeralStorage.Size) != 512 {
		t.Errorf("got %+v, tags %v", c, got.Tags)
	}
	downloads(t, aws.ToString(got.Code.Location), in.Code.ZipFile)

	answers(t, client, "echo", `{"a":"ü"}`, `{"a":"ü"}`)
	for _, name := range []string{"echo:$LATEST", "function:echo", "000000000000:function:echo", aws.ToString(created.FunctionArn)} {
		answers(t, client, name, `1`, `1`)
	}
	listed, err := client.ListFunctions(t.Context(), &lambda.ListFunctionsInput{MaxItems: aws.Int32(1)})
	if err != nil || len(listed.Functions) != 1 || listed.NextMarker != nil {
		t.Errorf("listed %+v, %v", listed, err)
	}
	if _, err := client.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String("echo")}); err != nil {
		t.Errorf("deleting: %v", err)
	}
	missing(t, client, "echo")
}

// downloads fetches a link of GetFunction.
func downloads(t *testing.T, link string, want []byte) {
	t.Helper()
	answer, err := http.Get(link)
	if err != nil {
		t.Errorf("following %q: %v", link, err)
		return
	}
	defer answer.Body.Close()
	code, err := io.ReadAll(answer.Body)
	if err != nil || !bytes.Equal(code, want) {
		t.Errorf("downloaded %d bytes, %v", len(code), err)
	}
	if _, err := zip.NewReader(bytes.NewReader(code), int64(len(code))); err != nil {
		t.Errorf("download: %v", err)
	}
}

// missing fails unless every operation says that a function is not there, as the typed
// error of the SDK.
func missing(t *testing.T, client *lambda.Client, name string) {
	t.Helper()
	_, get := client.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String(name)})
	_, configuration := client.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(name)})
	_, remove := client.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String(name)})
	_, run := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(name)})
	_, dry := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(name), InvocationType: types.InvocationTypeDryRun})
	for operation, err := range map[string]error{"get": get, "configuration": configuration, "delete": remove, "invoke": run, "dry run": dry} {
		var gone *types.ResourceNotFoundException
		if !errors.As(err, &gone) {
			t.Errorf("%s of %s: %v", operation, name, err)
			continue
		}
		if want := "Function not found: arn:aws:lambda:us-east-1:000000000000:function:" + name; gone.ErrorMessage() != want || aws.ToString(gone.Type) != "User" {
			t.Errorf("%s: %q, type %q", operation, gone.ErrorMessage(), aws.ToString(gone.Type))
		}
	}
}

func TestPublishOnCreate(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	in := creation(t, "described", "app.py", "app.describe")
	in.Publish = true
	in.Environment = &types.Environment{Variables: map[string]string{"SETTING": "on"}}
	if out := deploy(t, client, in); aws.ToString(out.Version) != "1" {
		t.Errorf("version %s", aws.ToString(out.Version))
	}
	out := invoke(t, client, "described", `{}`, func(in *lambda.InvokeInput) { in.Qualifier = aws.String("1") })
	if aws.ToString(out.ExecutedVersion) != "1" {
		t.Errorf("executed version %s: %s", aws.ToString(out.ExecutedVersion), out.Payload)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Payload, &got); err != nil {
		t.Fatalf("%s: %v", out.Payload, err)
	}
	for name, want := range map[string]any{
		"arn": "arn:aws:lambda:us-east-1:000000000000:function:described:1", "name": "described", "version": "1",
		"group": "/aws/lambda/described", "setting": "on", "remaining": true,
	} {
		if got[name] != want {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
	if memory := fmt.Sprint(got["memory"]); memory != "128" {
		t.Errorf("memory = %s", memory)
	}
}

// Errors arrive as the SDK's own types.
func TestTypedErrors(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	deploy(t, client, creation(t, "echo", "app.py", "app.echo"))

	_, err := client.CreateFunction(t.Context(), creation(t, "echo", "app.py", "app.echo"))
	var conflict *types.ResourceConflictException
	if !errors.As(err, &conflict) || conflict.ErrorMessage() != "Function already exist: echo" {
		t.Errorf("second create: %v", err)
	}
	bad := creation(t, "bad", "app.py", "app.echo")
	bad.Code.ZipFile = []byte("this is no zip")
	_, err = client.CreateFunction(t.Context(), bad)
	var parameter *types.InvalidParameterValueException
	if !errors.As(err, &parameter) || parameter.ErrorMessage() != "Could not unzip uploaded file. Please check your file, then try to upload again." {
		t.Errorf("no zip: %v", err)
	}
	bad = creation(t, "bad", "app.py", "app.echo")
	bad.Timeout = aws.Int32(901)
	_, err = client.CreateFunction(t.Context(), bad)
	var coded smithy.APIError
	if !errors.As(err, &coded) || coded.ErrorCode() != "ValidationException" {
		t.Errorf("timeout of 901 s: %v", err)
	}
	_, err = client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("echo"), Payload: []byte(`{"a":`)})
	var content *types.InvalidRequestContentException
	if !errors.As(err, &content) {
		t.Errorf("half an event: %v", err)
	}
	_, err = client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("echo"), Payload: bytes.Repeat([]byte("1"), 6<<20+1)})
	if !errors.As(err, &coded) || coded.ErrorCode() != "RequestEntityTooLargeException" {
		t.Errorf("too large an event: %v", err)
	}
	missing(t, client, "gone")
}
