package lambdaapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// badUpdates are no body of any operation: wrong JSON, wrong types.
var badUpdates = []string{
	`{`, `[]`, `"x"`, `7`, `{} {}`, "{\"Description\":\"\xff\"}", `{"Description":7}`, `{"Description":["a"]}`, `{"Description":{}}`,
	strings.Repeat(`{"a":`, 20_000), strings.Repeat(`[`, 100_000),
}

// badReferences are labels that name no function which can be changed.
var badReferences = []struct {
	label  string
	status int
}{
	{"a%20b", 400},
	{"a%2Fb", 400},
	{"%00", 400},
	{"%FF", 400},
	{"%zz", 400},
	{"with.dot", 400},
	{strings.Repeat("a", 141), 400},
	{"kept:$OLDEST", 400},
	{"kept:", 400},
	{"kept:1", 400},
	{"kept:live", 400},
	{"gone", 404},
	{"arn:aws:lambda:eu-west-1:000000000000:function:kept", 404},
	{"arn:aws:lambda:us-east-1:123456789012:function:kept", 403},
}

// changing are the operations on functions, versions and aliases that change something,
// with a body that is good but for a function that is not there.
var changing = []struct{ method, path, body string }{
	{"PUT", "/configuration", `{"Timeout":5}`},
	{"PUT", "/code", `{"ZipFile":"` + zip64("b.py") + `"}`},
	{"POST", "/versions", `{}`},
	{"POST", "/aliases", `{"Name":"x","FunctionVersion":"1"}`},
	{"PUT", "/aliases/live", `{"Description":"d"}`},
}

func badChanges() []malformed {
	var all []malformed
	for _, op := range changing {
		for _, body := range badUpdates {
			if op.path != "/code" || !strings.Contains(body, "Description") || strings.Contains(body, "\xff") {
				all = append(all, malformed{method: op.method, target: functions + "/kept" + op.path, body: body, status: 400, kind: serial})
			}
		}
		for _, name := range badReferences {
			all = append(all, malformed{method: op.method, target: functions + "/" + name.label + op.path, body: op.body, status: name.status})
		}
		for _, method := range []string{"PATCH", "HEAD", "OPTIONS"} {
			all = append(all, malformed{method: method, target: functions + "/kept" + op.path, status: 405, kind: "MethodNotAllowedException"})
		}
	}
	return append(all, badFields()...)
}

func badFields() []malformed {
	to := func(method, path, body, kind, text string) malformed {
		return malformed{method: method, target: functions + "/kept" + path, body: body, status: 400, kind: kind, text: text}
	}
	long := strings.Repeat("d", 257)
	var all []malformed
	for _, op := range [][2]string{{"PUT", "/configuration"}, {"POST", "/versions"}, {"PUT", "/aliases/live"}} {
		all = append(all, to(op[0], op[1], `{"Description":"`+long+`"}`, validation, "at 'description' failed to satisfy constraint: Member must have length less than or equal to 256"))
	}
	return append(
		all,
		to("PUT", "/configuration", `{"Timeout":901}`, validation, "at 'timeout'"),
		to("PUT", "/configuration", `{"MemorySize":127}`, validation, "at 'memorySize'"),
		to("PUT", "/configuration", `{"EphemeralStorage":{}}`, validation, "Value null at 'ephemeralStorage.size'"),
		to("PUT", "/configuration", `{"Role":"me"}`, validation, "at 'role'"),
		to("PUT", "/configuration", `{"Handler":"a b"}`, validation, "at 'handler'"),
		to("PUT", "/configuration", `{"Handler":""}`, validation, "at 'handler'"),
		to("PUT", "/configuration", `{"Runtime":"cobol"}`, parameter, "Value cobol at 'runtime'"),
		to("PUT", "/configuration", `{"Runtime":"go1.x"}`, parameter, "The runtime parameter of go1.x is no longer supported"),
		to("PUT", "/configuration", `{"Environment":{"Variables":{"AWS_REGION":"x"}}}`, parameter, "Reserved keys used in this request: AWS_REGION"),
		to("PUT", "/configuration", `{"Environment":{"Variables":{"BIG":"`+strings.Repeat("x", 4097)+`"}}}`, parameter, "exceeded the 4KB limit. String measured: {\"BIG\""),
		to("PUT", "/configuration", `{"LoggingConfig":{"SystemLogLevel":"WARN"}}`, parameter, "set LogFormat to JSON"),
		to("PUT", "/configuration", `{"SnapStart":{"ApplyOn":"invalidOption"}}`, validation, "at 'snapStart.applyOn'"),
		to("PUT", "/configuration", `{"ImageConfig":{"Command":["a"]}}`, parameter, "ImageConfig"),
		to("PUT", "/code", `{"ZipFile":"%%%"}`, serial, "not valid Base64"),
		to("PUT", "/code", `{"ZipFile":"bm8gemlw"}`, parameter, "Could not unzip uploaded file."),
		to("PUT", "/code", `{"ZipFile":""}`, parameter, "Please provide a source for function code."),
		to("PUT", "/code", `{"ImageUri":"i"}`, parameter, "Please don't provide ImageUri when updating a function with packageType Zip."), // recorded
		to("PUT", "/code", `{"S3ObjectStorageMode":"COPY"}`, parameter, "Please provide a source for function code."),
		to("PUT", "/code", `{"S3ObjectStorageMode":"REFERENCE"}`, parameter, notYet+"Code.S3ObjectStorageMode"),
		to("PUT", "/code", `{"S3Bucket":"bucket","S3Key":"k"}`, parameter, "its configuration names no endpoint"),
		to("PUT", "/code", `{"S3Bucket":"..","S3Key":"k"}`, validation, "at 's3Bucket'"),
		to("PUT", "/code", `{"Architectures":[]}`, validation, "at 'architectures'"),
		to("PUT", "/aliases/7", `{}`, validation, "Value '7' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"),
		to("PUT", "/aliases/a%20b", `{}`, validation, "at 'name'"),
		to("GET", "/aliases/"+strings.Repeat("x", 129), ``, validation, "at 'name' failed to satisfy constraint: Member must have length less than or equal to 128"),
		to("DELETE", "/aliases/$LATEST", ``, validation, "at 'name'"),
		to("GET", "/aliases?MaxItems=0", ``, validation, "at 'maxItems'"),
		to("GET", "/aliases?Marker=QQ", ``, parameter, "Marker"),
		to("GET", "/aliases?FunctionVersion=live", ``, validation, "at 'functionVersion'"),
		to("GET", "/versions?MaxItems=10001", ``, validation, "at 'maxItems'"),
		to("GET", "/versions?MaxItems=x", ``, serial, "Integer"),
		to("GET", "/versions?Marker=%00", ``, parameter, "Marker"),
	)
}

// keeping is a bench with an active function kept, its version 1 and its alias live.
func keeping(t *testing.T) *bench {
	b := newBench(t)
	b.create(map[string]any{"FunctionName": "kept", "Publish": true})
	if err := b.activate(t.Context(), id("kept")); err != nil {
		t.Fatal(err)
	}
	if r := b.with("POST", "kept/aliases", map[string]any{"Name": "live", "FunctionVersion": "1"}); r.Code != http.StatusCreated {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	return b
}

// Every bad request gets an error in AWS's shape and changes nothing.
func TestMalformedChanges(t *testing.T) {
	b := keeping(t)
	before, writes := clone(b.memory.functions[id("kept")]), b.memory.writes
	all := badChanges()
	if len(all) < 150 {
		t.Fatalf("only %d requests", len(all))
	}
	for _, m := range all {
		r := b.do(m.method, m.target, m.body)
		name := fmt.Sprintf("%s %.80s %.120s", m.method, m.target, m.body)
		if r.Code != m.status || m.kind != "" && r.kind() != m.kind || !strings.Contains(r.text(), m.text) {
			t.Errorf("%s:\n got %d %s %.400s\nwant %d %s %.400s", name, r.Code, r.kind(), r.text(), m.status, m.kind, m.text)
		}
		checkShape(t, name, r)
	}
	if b.memory.writes != writes || len(b.memory.blobs) != 1 {
		t.Errorf("%d writes, %d blobs", b.memory.writes-writes, len(b.memory.blobs))
	}
	if diff := cmp.Diff(before, b.memory.functions[id("kept")]); diff != "" {
		t.Errorf("the function changed: %s", diff)
	}
}

// Whatever is sent to alter a function, there is an answer in AWS's shape, and the function
// can be read, run and updated afterwards.
func TestRandomChanges(t *testing.T) {
	b := keeping(t)
	scalar := rapid.OneOf(
		rapid.Just[any](nil), rapid.Just[any](""), rapid.Just[any]("1"), rapid.Just[any]("live"), rapid.Just[any]("$LATEST"), rapid.Just[any](zip64("b.py")),
		rapid.Map(rapid.String(), func(s string) any { return s }), rapid.Map(rapid.Int(), func(n int) any { return n }),
		rapid.Map(rapid.Bool(), func(v bool) any { return v }), rapid.Map(rapid.MapOf(rapid.StringN(0, 9, 9), rapid.Float64Range(-1, 2)), func(m map[string]float64) any { return m }),
	)
	fields := rapid.SampledFrom([]string{
		"Name", "FunctionVersion", "Description", "RoutingConfig", "RevisionId", "ZipFile", "Publish", "DryRun", "Architectures", "Timeout",
		"MemorySize", "Environment", "LoggingConfig", "Handler", "Runtime", "CodeSha256", "EphemeralStorage", "TracingConfig", "SnapStart",
	})
	rapid.Check(t, func(t *rapid.T) {
		op := rapid.SampledFrom(changing).Draw(t, "operation")
		body, err := json.Marshal(rapid.MapOfN(fields, scalar, 0, 5).Draw(t, "body"))
		if err != nil {
			t.Fatal(err)
		}
		r := b.do(op.method, functions+"/kept"+op.path, string(body))
		if r.Code >= 500 || r.Code >= 400 && (r.kind() == "" || r.text() == "") {
			t.Fatalf("%s %s %s: %d %s", op.method, op.path, body, r.Code, r.Body)
		}
		if err := b.activate(b.t.Context(), id("kept")); err != nil {
			t.Fatal(err)
		}
		if r := b.do("GET", functions+"/kept", ""); r.Code != 200 || r.fields["Configuration"].(map[string]any)["LastUpdateStatus"] != "Successful" {
			t.Fatalf("after %s %s: %d %s", op.path, body, r.Code, r.Body)
		}
	})
}
