package lambdaapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
)

const thumbnailARN = "arn:aws:lambda:us-east-1:000000000000:function:thumbnail"

// put sends a PUT with a body made of fields.
func (b *bench) put(target string, fields map[string]any) reply { return b.with("PUT", target, fields) }

func (b *bench) with(method, target string, fields map[string]any) reply {
	b.t.Helper()
	body, err := json.Marshal(fields)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(method, functions+"/"+target, string(body))
}

// settled waits until no update of thumbnail is in progress.
func (b *bench) settled() reply {
	b.t.Helper()
	for range 500 {
		r := b.do("GET", functions+"/thumbnail/configuration", "")
		if r.fields["State"] != "Pending" && r.fields["LastUpdateStatus"] != "InProgress" {
			return r
		}
		time.Sleep(2 * time.Millisecond)
	}
	b.t.Fatal("the update does not end")
	return reply{}
}

// without returns an answer's fields without some.
func without(fields map[string]any, names ...string) map[string]any {
	out := map[string]any{}
	for k, v := range fields {
		out[k] = v
	}
	for _, name := range names {
		delete(out, name)
	}
	return out
}

func zip64(name string) string { return base64.StdEncoding.EncodeToString(zipOf(name)) }

// As recorded: each update has the states InProgress and Successful, each with a revision
// of its own, and so has one that changes nothing.
func TestUpdateFunctionConfigurationAnswersAsRecorded(t *testing.T) {
	b := newBench(t)
	b.run()
	b.create(map[string]any{"Description": "first"})
	before := b.settled()
	revisions := map[any]bool{before.fields["RevisionId"]: true}
	generation := b.memory.functions[id("thumbnail")].Latest.Generation
	for i, description := range []string{"second", "second"} {
		r := b.put("thumbnail/configuration", map[string]any{"Description": description})
		want := without(before.fields, "RevisionId", "LastModified")
		want["Description"], want["LastUpdateStatus"] = description, "InProgress"
		want["LastUpdateStatusReason"], want["LastUpdateStatusReasonCode"] = "The function is being created.", "Creating"
		if diff := cmp.Diff(want, without(r.fields, "RevisionId", "LastModified")); r.Code != 200 || diff != "" {
			t.Errorf("%d -want +got\n%s", r.Code, diff)
		}
		after := b.settled()
		want["LastUpdateStatus"] = "Successful"
		want = without(want, "LastUpdateStatusReason", "LastUpdateStatusReasonCode")
		if diff := cmp.Diff(want, without(after.fields, "RevisionId", "LastModified")); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		revisions[r.fields["RevisionId"]], revisions[after.fields["RevisionId"]] = true, true
		if now := b.memory.functions[id("thumbnail")].Latest.Generation; (now == generation) != (i == 1) {
			t.Errorf("update %d: generation %d after %d", i, now, generation)
		} else {
			generation = now
		}
	}
	if len(revisions) != 5 {
		t.Errorf("%d revisions, want 5", len(revisions))
	}
}

func TestUpdateChangesWhatWasSent(t *testing.T) {
	b := newBench(t)
	b.run()
	b.create(map[string]any{"Description": "kept", "Environment": map[string]any{"Variables": map[string]any{"AA": "1"}}})
	b.settled()
	tests := []struct {
		send  map[string]any
		field string
		want  any
	}{
		{map[string]any{"Timeout": 9}, "Timeout", 9.0},
		{map[string]any{"MemorySize": 512}, "MemorySize", 512.0},
		{map[string]any{"Handler": "b.h"}, "Handler", "b.h"},
		{map[string]any{"Runtime": "python3.11"}, "Runtime", "python3.11"},
		{map[string]any{"EphemeralStorage": map[string]any{"Size": 600}}, "EphemeralStorage", map[string]any{"Size": 600.0}},
		{map[string]any{"TracingConfig": map[string]any{"Mode": "Active"}}, "TracingConfig", map[string]any{"Mode": "Active"}},
		{map[string]any{"LoggingConfig": map[string]any{"LogFormat": "JSON"}}, "LoggingConfig", map[string]any{
			"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", "LogGroup": "/aws/lambda/thumbnail",
		}},
		{map[string]any{"LoggingConfig": map[string]any{"SystemLogLevel": "WARN", "LogGroup": "cool"}}, "LoggingConfig", map[string]any{
			"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN", "LogGroup": "cool",
		}},
		{map[string]any{"LoggingConfig": map[string]any{"LogFormat": "Text"}}, "LoggingConfig", map[string]any{"LogFormat": "Text", "LogGroup": "cool"}},
		{map[string]any{"Environment": map[string]any{"Variables": map[string]any{"BB": "2"}}}, "Environment", map[string]any{"Variables": map[string]any{"BB": "2"}}},
		{map[string]any{"Environment": map[string]any{}}, "Environment", map[string]any{"Variables": map[string]any{}}},
	}
	for _, tt := range tests {
		if r := b.put("thumbnail/configuration", tt.send); r.Code != 200 {
			t.Errorf("%v: %d %s", tt.send, r.Code, r.Body)
		}
		after := b.settled()
		if diff := cmp.Diff(tt.want, after.fields[tt.field]); diff != "" || after.fields["Description"] != "kept" {
			t.Errorf("%v: -want +got\n%s", tt.send, diff)
		}
	}
}

func TestUpdateIsRefused(t *testing.T) {
	b := newBench(t)
	b.create(nil)
	conf, code := "thumbnail/configuration", "thumbnail/code"
	good := map[string]any{"ZipFile": zip64("b.py")}
	wantRefusal(t, b.put(conf, nil), 409, "ResourceConflictException",
		"The operation cannot be performed at this time. The function is currently in the following state: Pending")
	b.run()
	b.settled()
	const stale = "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
	for _, r := range []reply{
		b.put(conf, map[string]any{"RevisionId": "old"}),
		b.put(code, map[string]any{"RevisionId": "old", "ZipFile": zip64("b.py")}),
		b.with("POST", "thumbnail/versions", map[string]any{"RevisionId": "old"}),
	} {
		wantRefusal(t, r, 412, "PreconditionFailedException", stale)
	}
	for _, target := range []string{"nobody/configuration", "nobody/code"} {
		wantRefusal(t, b.put(target, good), 404, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody")
	}
	wantRefusal(t, b.put(code, nil), 400, parameter, "Please provide a source for function code.")
	wantRefusal(t, b.put("thumbnail:1/code", good), 400, parameter, `UpdateFunctionCode is about a function and not about a version or an alias: leave out ":1".`)
	wantRefusal(t, b.put(conf, map[string]any{"Timeout": 0}), 400, validation,
		"1 validation error detected: Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1")
	wantRefusal(t, b.put(conf, map[string]any{"KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k"}), 400, parameter, notYet+"KMSKeyArn. Leave it out.")
	if writes := b.memory.writes; writes != 2 { // the creation and its activation
		t.Errorf("%d writes", writes)
	}
}

func wantRefusal(t *testing.T, r reply, status int, kind, text string) {
	t.Helper()
	if r.Code != status || r.kind() != kind || r.text() != text {
		t.Errorf("got  %d %s %s\nwant %d %s %s", r.Code, r.kind(), r.text(), status, kind, text)
	}
}

// While one update is in progress there is no other, and what serves is the old state.
func TestUpdateInProgress(t *testing.T) {
	b := newBench(t)
	b.run()
	b.create(nil)
	old := b.settled()
	b.host.held = make(chan struct{})
	r := b.put("thumbnail/code", map[string]any{"ZipFile": zip64("b.py")})
	if r.Code != 200 || r.fields["LastUpdateStatus"] != "InProgress" || r.fields["CodeSha256"] == old.fields["CodeSha256"] {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	const busy = "The operation cannot be performed at this time. An update is in progress for resource: " + thumbnailARN
	for _, again := range []reply{
		b.put("thumbnail/configuration", map[string]any{"Timeout": 5}),
		b.put("thumbnail/code", map[string]any{"ZipFile": zip64("c.py")}),
		b.with("POST", "thumbnail/versions", nil),
	} {
		wantRefusal(t, again, 409, "ResourceConflictException", busy)
	}
	if serving := b.known("thumbnail"); serving.Code.SHA256 != old.fields["CodeSha256"] {
		t.Errorf("%s serves during the update", serving.Code.SHA256)
	}
	close(b.host.held)
	after := b.settled()
	if serving := b.known("thumbnail"); after.fields["LastUpdateStatus"] != "Successful" || serving.Code.SHA256 != after.fields["CodeSha256"] {
		t.Errorf("%v; %s serves", after.fields, serving.Code.SHA256)
	}
}

// known is what the directory runs as $LATEST.
func (b *bench) known(name string) *lambda.Version {
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	fn := b.memory.directory[id(name)]
	return fn.Runs()
}

// A failed update says so, the old state goes on serving, and a good update heals it.
func TestUpdateFails(t *testing.T) {
	b := newBench(t)
	b.run()
	b.create(nil)
	old := b.settled()
	for range 2 { // the second failure must not take the first one's code for good
		b.host.set(lambda.NewError(lambda.ErrInvalidParameterValue, "The zip climbs out."))
		b.put("thumbnail/code", map[string]any{"ZipFile": zip64("b.py")})
		failed := b.settled()
		if failed.fields["State"] != "Active" || failed.fields["LastUpdateStatus"] != "Failed" ||
			failed.fields["LastUpdateStatusReason"] != "The zip climbs out." || failed.fields["LastUpdateStatusReasonCode"] != "InvalidZipFileException" {
			t.Errorf("%v", failed.fields)
		}
		if serving := b.known("thumbnail"); serving.Code.SHA256 != old.fields["CodeSha256"] {
			t.Errorf("%s serves", serving.Code.SHA256)
		}
	}
	wantRefusal(t, b.with("POST", "thumbnail/versions", nil), 409, "ResourceConflictException",
		"The operation cannot be performed at this time. The last update of the function failed: update it again.")
	b.host.set(nil)
	b.put("thumbnail/code", map[string]any{"ZipFile": zip64("c.py")})
	healed := b.settled()
	if healed.fields["LastUpdateStatus"] != "Successful" || healed.fields["LastUpdateStatusReason"] != nil {
		t.Errorf("%v", healed.fields)
	}
	if fn := b.memory.functions[id("thumbnail")]; fn.Serving != nil || b.known("thumbnail").Code.SHA256 != healed.fields["CodeSha256"] {
		t.Errorf("%+v", fn)
	}
}

// What a kill interrupts the next process ends; until then and after a failure it serves
// the old code, which the real store kept.
func TestUpdateOutlivesProcess(t *testing.T) {
	dir := t.TempDir()
	first, _ := realBench(t, dir)
	first.create(nil)
	ctx := t.Context()
	activate := func(b *bench) {
		if err := b.activate(ctx, id("thumbnail")); err != nil {
			t.Fatal(err)
		}
	}
	activate(first)
	old := first.settled()
	if r := first.put("thumbnail/code", map[string]any{"ZipFile": zip64("b.py")}); r.Code != 200 {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	second, _ := realBench(t, dir) // the kill
	serving := func(b *bench) string {
		fn, err := b.Store.Function(ctx, id("thumbnail"))
		if err != nil {
			t.Fatal(err)
		}
		return fn.Runs().Code.SHA256
	}
	if got := serving(second); got != old.fields["CodeSha256"] {
		t.Errorf("after the kill %s serves", got)
	}
	real := second.Packages
	second.Packages = &host{unpack: errors.New("disk full")}
	activate(second)
	if r := second.settled(); r.fields["LastUpdateStatus"] != "Failed" {
		t.Errorf("%v", r.fields)
	}
	third, _ := realBench(t, dir)
	if got := serving(third); got != old.fields["CodeSha256"] {
		t.Errorf("after a failure and a restart %s serves", got)
	}
	third.Packages = real
	third.put("thumbnail/code", map[string]any{"ZipFile": zip64("b.py")})
	third.run()
	if r := third.settled(); r.fields["LastUpdateStatus"] != "Successful" || serving(third) != r.fields["CodeSha256"] {
		t.Errorf("%v", r.fields)
	}
}

func TestUpdateFunctionCodeDryRun(t *testing.T) {
	b := newBench(t)
	b.run()
	b.create(nil)
	old := b.settled()
	writes := b.memory.writes
	r := b.put("thumbnail/code", map[string]any{"ZipFile": zip64("b.py"), "DryRun": true, "Publish": true})
	if r.Code != 200 || r.fields["CodeSha256"] == old.fields["CodeSha256"] || r.fields["RevisionId"] != old.fields["RevisionId"] {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if diff := cmp.Diff(old.fields, b.settled().fields); diff != "" || b.memory.writes != writes || len(b.memory.blobs) != 1 {
		t.Errorf("a dry run changed something: %s", diff)
	}
	wantRefusal(t, b.put("thumbnail/code", map[string]any{"ZipFile": "bm8gemlw", "DryRun": true}), 400, parameter,
		"Could not unzip uploaded file. Please check your file, then try to upload again.")
}

func TestUpdateFunctionCodeArchitectures(t *testing.T) {
	b := newBench(t)
	b.run()
	b.create(nil)
	b.settled()
	other := map[string]string{"x86_64": "arm64", "arm64": "x86_64"}[hostArchitecture()]
	for arch, status := range map[string]int{hostArchitecture(): 200, other: 400, "mips": 400} {
		r := b.put("thumbnail/code", map[string]any{"ZipFile": zip64("b.py"), "Architectures": []string{arch}})
		if r.Code != status {
			t.Errorf("%s: %d %s", arch, r.Code, r.Body)
		}
		b.settled()
	}
}

// An upload that is too large for the model, and one that hides its size.
func TestUpdateFunctionCodeIsBounded(t *testing.T) {
	b := newBench(t)
	b.create(nil)
	r := b.do("PUT", functions+"/thumbnail/code", `{"ZipFile":"`+strings.Repeat("A", lambda.MaxCreateBody)+`"}`)
	wantRefusal(t, r, 413, "RequestEntityTooLargeException",
		fmt.Sprintf("Request must be smaller than %d bytes for the UpdateFunctionCode operation", lambda.MaxCreateBody))
	r = b.do("PUT", functions+"/thumbnail/configuration", `{"Description":"`+strings.Repeat("A", maxRequest)+`"}`)
	wantRefusal(t, r, 413, "RequestEntityTooLargeException",
		fmt.Sprintf("Request must be smaller than %d bytes for the UpdateFunctionConfiguration operation", maxRequest))
}
