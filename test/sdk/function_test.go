package sdk

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

//go:embed testdata
var sources embed.FS

// pack zips one source file of testdata.
func pack(t *testing.T, name string) []byte {
	t.Helper()
	source, err := sources.ReadFile(path.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(source); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// creation is a request for a function of the host's Python.
func creation(t *testing.T, name, source, handler string) *lambda.CreateFunctionInput {
	t.Helper()
	return &lambda.CreateFunctionInput{
		FunctionName: aws.String(name),
		Role:         aws.String("arn:aws:iam::000000000000:role/lambda"),
		Runtime:      types.Runtime(python),
		Handler:      aws.String(handler),
		Code:         &types.FunctionCode{ZipFile: pack(t, source)},
		Timeout:      aws.Int32(10),
	}
}

// deploy creates a function and waits for it with the SDK's own waiter.
func deploy(t *testing.T, client *lambda.Client, in *lambda.CreateFunctionInput) *lambda.CreateFunctionOutput {
	t.Helper()
	out, err := client.CreateFunction(t.Context(), in)
	if err != nil {
		t.Fatalf("creating %s: %v", *in.FunctionName, err)
	}
	if out.State != types.StatePending || out.LastUpdateStatus != "" {
		t.Errorf("created in state %q, %q", out.State, out.LastUpdateStatus)
	}
	waiter := lambda.NewFunctionActiveV2Waiter(client, func(o *lambda.FunctionActiveV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 200*time.Millisecond
	})
	if err := waiter.Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: in.FunctionName}, 20*time.Second); err != nil {
		t.Fatalf("waiting for %s: %v", *in.FunctionName, err)
	}
	return out
}

// invoke runs a function with an event.
func invoke(t *testing.T, client *lambda.Client, name, event string, change ...func(*lambda.InvokeInput)) *lambda.InvokeOutput {
	t.Helper()
	in := &lambda.InvokeInput{FunctionName: aws.String(name), Payload: []byte(event)}
	for _, f := range change {
		f(in)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := client.Invoke(ctx, in)
	if err != nil {
		t.Fatalf("invoking %s: %v", name, err)
	}
	return out
}

// answers fails unless a function answers an event with exactly this JSON.
func answers(t *testing.T, client *lambda.Client, name, event, want string) {
	t.Helper()
	out := invoke(t, client, name, event)
	if out.FunctionError != nil || compact(t, out.Payload) != compact(t, []byte(want)) || out.StatusCode != 200 || aws.ToString(out.ExecutedVersion) != "$LATEST" {
		t.Errorf("%s(%s) = %d %s %s %s, want %s", name, event, out.StatusCode, aws.ToString(out.FunctionError), aws.ToString(out.ExecutedVersion), out.Payload, want)
	}
}

// compact writes JSON in one form: Python escapes and spaces in its own ways.
func compact(t *testing.T, payload []byte) string {
	t.Helper()
	var value any
	if err := json.Unmarshal(payload, &value); err != nil {
		t.Errorf("%q is not JSON: %v", payload, err)
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// failure is the payload of a function's error.
type failure struct {
	Type    string   `json:"errorType"`
	Message string   `json:"errorMessage"`
	ID      string   `json:"requestId"`
	Trace   []string `json:"stackTrace"`
}

// fails runs a function that must fail as functions do: with 200 and Unhandled.
func fails(t *testing.T, client *lambda.Client, name, event string) failure {
	t.Helper()
	out := invoke(t, client, name, event)
	if out.StatusCode != 200 || aws.ToString(out.FunctionError) != "Unhandled" {
		t.Errorf("%s(%s) = %d %q %.300s", name, event, out.StatusCode, aws.ToString(out.FunctionError), out.Payload)
	}
	var f failure
	if err := json.Unmarshal(out.Payload, &f); err != nil {
		t.Errorf("%.300q: %v", out.Payload, err)
	}
	return f
}

// withPadding is pack of app.py with a file of random bytes beside it, which no zip makes smaller.
func withPadding(t *testing.T, size int) []byte {
	t.Helper()
	dir := t.TempDir()
	source, err := sources.ReadFile("testdata/app.py")
	if err != nil {
		t.Fatal(err)
	}
	padding := make([]byte, size)
	_, _ = rand.Read(padding) // never fails
	for name, content := range map[string][]byte{"app.py": source, "padding": padding} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return packFolder(t, dir)
}
