package lambdaapi

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
)

var (
	uuidShape     = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	modifiedShape = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$`)
	runtimeShape  = regexp.MustCompile(`^arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}$`)
)

// The fields are those of recorded answers of the service.
func TestCreateFunctionAnswersAsRecorded(t *testing.T) {
	b := newBench(t)
	r := b.create(nil)
	sum := sha256.Sum256(goodZip())
	want := map[string]any{
		"Architectures": []any{hostArchitecture()}, "CodeSha256": base64.StdEncoding.EncodeToString(sum[:]),
		"CodeSize": float64(len(goodZip())), "Description": "", "EphemeralStorage": map[string]any{"Size": 512.0},
		"FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:thumbnail", "FunctionName": "thumbnail",
		"Handler": "app.handler", "LoggingConfig": map[string]any{"LogFormat": "Text", "LogGroup": "/aws/lambda/thumbnail"},
		"MemorySize": 128.0, "PackageType": "Zip", "Role": "arn:aws:iam::000000000000:role/lambda", "Runtime": "python3.12",
		"SnapStart": map[string]any{"ApplyOn": "None", "OptimizationStatus": "Off"}, "State": "Pending",
		"StateReason": "The function is being created.", "StateReasonCode": "Creating", "Timeout": 3.0,
		"TracingConfig": map[string]any{"Mode": "PassThrough"}, "Version": "$LATEST",
	}
	for name, shape := range map[string]*regexp.Regexp{"RevisionId": uuidShape, "LastModified": modifiedShape} {
		if s, _ := r.fields[name].(string); !shape.MatchString(s) {
			t.Errorf("%s = %q", name, s)
		}
		delete(r.fields, name)
	}
	arn := r.fields["RuntimeVersionConfig"].(map[string]any)["RuntimeVersionArn"].(string)
	if !runtimeShape.MatchString(arn) {
		t.Errorf("RuntimeVersionArn = %q", arn)
	}
	delete(r.fields, "RuntimeVersionConfig")
	if diff := cmp.Diff(want, r.fields); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if !uuidShape.MatchString(r.Header().Get("X-Amzn-Requestid")) {
		t.Errorf("request id %q", r.Header().Get("X-Amzn-Requestid"))
	}
}

func TestActivation(t *testing.T) {
	b := newBench(t)
	b.run()
	created := b.create(map[string]any{"Publish": true, "Environment": map[string]any{}})
	if created.fields["Version"] != "1" || created.fields["FunctionArn"] != "arn:aws:lambda:us-east-1:000000000000:function:thumbnail" {
		t.Errorf("Publish answered %v %v", created.fields["Version"], created.fields["FunctionArn"])
	}
	if _, ok := created.fields["LastUpdateStatus"]; ok {
		t.Error("LastUpdateStatus while Pending")
	}
	active := b.await("thumbnail", "Active")
	if active.fields["LastUpdateStatus"] != "Successful" || active.fields["StateReason"] != nil || active.fields["StateReasonCode"] != nil {
		t.Errorf("active: %v", active.fields)
	}
	if active.fields["RevisionId"] == created.fields["RevisionId"] {
		t.Error("the revision is still that of the creation")
	}
	if diff := cmp.Diff(map[string]any{"Variables": map[string]any{}}, active.fields["Environment"]); diff != "" {
		t.Errorf("an empty environment that was sent: %s", diff)
	}
	first := b.do("GET", functions+"/thumbnail/configuration?Qualifier=1", "")
	if first.fields["State"] != "Active" || first.fields["FunctionArn"] != "arn:aws:lambda:us-east-1:000000000000:function:thumbnail:1" {
		t.Errorf("version 1: %v", first.fields)
	}
	if got := b.memory.directory[id("thumbnail")].Latest.State; got != "Active" {
		t.Errorf("the directory says %q", got)
	}
}

func id(name string) lambda.FunctionID {
	return lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: name}
}

func TestActivationFails(t *testing.T) {
	tests := []struct {
		unpack       error
		code, reason string
	}{
		{lambda.NewError(lambda.ErrInvalidParameterValue, "The zip climbs out."), "InvalidZipFileException", "The zip climbs out."},
		{errors.New("disk of secret-host is full"), "InternalError", "Lambent could not unpack the code of the function; its log says why. Create the function or make the update again."},
	}
	for _, tt := range tests {
		b := newBench(t)
		b.host.unpack = tt.unpack
		b.run()
		b.create(nil)
		r := b.await("thumbnail", "Failed")
		if r.fields["StateReasonCode"] != tt.code || r.fields["StateReason"] != tt.reason {
			t.Errorf("got %v: %v", r.fields["StateReasonCode"], r.fields["StateReason"])
		}
	}
}

// What a killed process left Pending becomes active in the next.
func TestRunResumesPending(t *testing.T) {
	b := newBench(t)
	b.create(map[string]any{"FunctionName": "first"})
	b.create(map[string]any{"FunctionName": "second"})
	b.activations = newActivations() // the queue died with the process
	b.run()
	b.await("first", "Active")
	b.await("second", "Active")
}

// A store that fails for a while delays an activation, and does not lose it.
func TestActivationIsTriedAgain(t *testing.T) {
	b := newBench(t)
	b.activations.pause = 5 * time.Millisecond
	b.create(nil)
	b.memory.setBroken(errors.New("disk is full"))
	ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, errors.New("test took too long"))
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.work(ctx, b.activations, b.activate)
	}()
	time.Sleep(20 * time.Millisecond)
	b.memory.setBroken(nil)
	b.await("thumbnail", "Active")
	cancel()
	<-ended
}

// A function that was deleted and made again while its code was unpacked is not
// touched by the old activation.
func TestActivationLeavesSuccessorAlone(t *testing.T) {
	b := newBench(t)
	b.host.held = make(chan struct{})
	b.create(nil)
	old, err := b.memory.Function(t.Context(), id("thumbnail"))
	if err != nil {
		t.Fatal(err)
	}
	b.do("DELETE", functions+"/thumbnail", "")
	b.create(nil)
	if err := b.settle(context.Background(), &old, outcome{}); err != nil {
		t.Fatal(err)
	}
	if r := b.do("GET", functions+"/thumbnail/configuration", ""); r.fields["State"] != "Pending" {
		t.Errorf("state %v", r.fields["State"])
	}
}

func TestActivationOfDeletedLeavesNoGhost(t *testing.T) {
	b := newBench(t)
	b.create(nil)
	old, _ := b.memory.Function(t.Context(), id("thumbnail"))
	b.do("DELETE", functions+"/thumbnail", "")
	if err := b.settle(t.Context(), &old, outcome{}); err != nil {
		t.Fatal(err)
	}
	if len(b.memory.directory) != 0 {
		t.Error("the directory holds a deleted function")
	}
}

func TestCreateAgainConflicts(t *testing.T) {
	b := newBench(t)
	b.create(nil)
	r := b.do("POST", functions, request(nil))
	if r.Code != 409 || r.kind() != "ResourceConflictException" || r.text() != "Function already exist: thumbnail" || r.fields["Type"] != "User" {
		t.Errorf("%d %s %s", r.Code, r.kind(), r.Body)
	}
}

func TestCreateEchoesWhatWasAsked(t *testing.T) {
	b := newBench(t)
	r := b.create(map[string]any{
		"Description": "a <b> & c", "Timeout": 900, "MemorySize": 10240, "EphemeralStorage": map[string]any{"Size": 600},
		"Environment":   map[string]any{"Variables": map[string]any{"KEY": "välue"}},
		"TracingConfig": map[string]any{"Mode": "Active"}, "Layers": []string{}, "VpcConfig": map[string]any{"SubnetIds": []string{}},
		"DeadLetterConfig": map[string]any{}, "FileSystemConfigs": []any{}, "KMSKeyArn": "", "SnapStart": map[string]any{"ApplyOn": "None"},
		"LoggingConfig": map[string]any{"LogFormat": "JSON", "LogGroup": "cool_lambda"}, "Tags": map[string]any{"team": "x", "lambent:isolation": "light"},
		"Unknown": []int{1}, "DurableConfig": nil,
	})
	want := map[string]any{
		"Description": "a <b> & c", "Timeout": 900.0, "MemorySize": 10240.0, "EphemeralStorage": map[string]any{"Size": 600.0},
		"Environment":   map[string]any{"Variables": map[string]any{"KEY": "välue"}},
		"TracingConfig": map[string]any{"Mode": "Active"},
		"LoggingConfig": map[string]any{"LogFormat": "JSON", "LogGroup": "cool_lambda", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"},
	}
	for key, value := range want {
		if diff := cmp.Diff(value, r.fields[key]); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
	got := b.do("GET", functions+"/thumbnail", "")
	if diff := cmp.Diff(map[string]any{"team": "x", "lambent:isolation": "light", lambda.InForceTag: "light"}, got.fields["Tags"]); diff != "" {
		t.Errorf("tags: %s", diff)
	}
}

func TestCreateRefusesTierThatHostLacks(t *testing.T) {
	b := newBench(t)
	r := b.do("POST", functions, request(map[string]any{"Tags": map[string]any{"lambent:isolation": "microvm"}}))
	if r.Code != 400 || r.text() != "This host does not offer the isolation microvm: no driver for it is there" {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

func TestCreateRefusesRuntimeThatHostLacks(t *testing.T) {
	b := newBench(t)
	b.host.runtime = errors.New("no python3.12 in /usr/bin or /usr/local/bin")
	r := b.do("POST", functions, request(nil))
	if r.Code != 400 || !strings.Contains(r.text(), "no python3.12 in /usr/bin") {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

func TestCreateBoundsBody(t *testing.T) {
	b := newBench(t)
	big := strings.Repeat("x", lambda.MaxCreateBody+1)
	r := b.do("POST", functions, big)
	if r.Code != 413 || r.kind() != "RequestEntityTooLargeException" || r.text() != "Request must be smaller than 70167211 bytes for the CreateFunction operation" {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	zipped := fmt.Sprintf(`{"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Runtime":"python3.12","Handler":"a.b","Code":{"ZipFile":"%s"}}`,
		base64.StdEncoding.EncodeToString(make([]byte, lambda.MaxZipped+1)))
	r = b.do("POST", functions, zipped)
	if r.Code != 413 || r.text() != "Zipped size must be smaller than 52428800 bytes" {
		t.Errorf("%d %.200s", r.Code, r.Body)
	}
}
