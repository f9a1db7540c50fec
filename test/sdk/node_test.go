package sdk

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

var nodeVersion = regexp.MustCompile(`^v(\d+)\.`)

// hostNode is the major version of the host's Node; the test is skipped without one that
// AWS had.
func hostNode(t *testing.T) int {
	t.Helper()
	needs(t)
	out, err := exec.Command("node", "--version").Output()
	found := nodeVersion.FindSubmatch(out)
	if err != nil || found == nil {
		lacking(t, "needs a node on the PATH")
	}
	major, err := strconv.Atoi(string(found[1]))
	if err != nil || major < 14 || major%2 != 0 {
		lacking(t, "needs a node of a version that AWS has, not "+string(out))
	}
	return major
}

// nodeCreation is a request for a function of the host's Node in a light sandbox.
func nodeCreation(t *testing.T, name, source, handler string) *lambda.CreateFunctionInput {
	t.Helper()
	in := creation(t, name, source, handler)
	in.Runtime = types.Runtime("nodejs" + strconv.Itoa(hostNode(t)) + ".x")
	in.Tags = map[string]string{"lambent:isolation": "light"}
	return in
}

func TestNodeFunction(t *testing.T) {
	t.Parallel()
	hostNode(t)
	client := up(t, t.TempDir()).client()
	deploy(t, client, nodeCreation(t, "echo", "app.mjs", "app.echo"))
	answers(t, client, "echo", `{"a":[1,"ü"]}`, `{"a":[1,"ü"]}`)
	out := invoke(t, client, "echo", `{"n":1}`, func(in *lambda.InvokeInput) { in.LogType = types.LogTypeTail })
	id := headersOf(t, out).Get("X-Amzn-Requestid")
	if log := tailOf(t, out); !strings.Contains(log, "Z\t"+id+"\tINFO\techo says { n: 1 }\nEND RequestId: "+id) {
		t.Errorf("log %q", log)
	}
	if isolation := headersOf(t, out).Get("X-Lambent-Isolation"); isolation != "light" {
		t.Errorf("isolation %q", isolation)
	}
}

func TestNodeContext(t *testing.T) {
	t.Parallel()
	hostNode(t)
	client := up(t, t.TempDir()).client()
	created := deploy(t, client, nodeCreation(t, "who", "app.mjs", "app.context"))
	out := invoke(t, client, "who", `{}`, func(in *lambda.InvokeInput) {
		in.ClientContext = aws.String("eyJjdXN0b20iOnsiZm9vIjoiYmFyIn19") // {"custom":{"foo":"bar"}}
	})
	var got map[string]any
	if err := json.Unmarshal(out.Payload, &got); err != nil {
		t.Fatalf("%s: %v", out.Payload, err)
	}
	for key, want := range map[string]any{
		"functionName": "who", "functionVersion": "$LATEST", "memoryLimitInMB": "128", "logGroupName": "/aws/lambda/who",
		"invokedFunctionArn": *created.FunctionArn, "awsRequestId": headersOf(t, out).Get("X-Amzn-Requestid"),
	} {
		if got[key] != want {
			t.Errorf("%s = %v, want %v", key, got[key], want)
		}
	}
	if !strings.Contains(string(out.Payload), `"clientContext":{"custom":{"foo":"bar"}}`) {
		t.Errorf("context %s", out.Payload)
	}
}

func TestNodeTimeoutKeepsTmpAndLosesState(t *testing.T) {
	t.Parallel()
	hostNode(t)
	client := up(t, t.TempDir()).client()
	in := nodeCreation(t, "state", "app.mjs", "app.state")
	in.Timeout = aws.Int32(1)
	deploy(t, client, in)
	answers(t, client, "state", `{"number":42,"content":"some-content"}`, `{"number":42,"content":"some-content"}`)
	answers(t, client, "state", `{}`, `{"number":42,"content":"some-content"}`)
	if f := fails(t, client, "state", `{"sleep":3}`); f.Type != "Sandbox.Timedout" || !timedOut.MatchString(f.Message) {
		t.Errorf("timeout: %+v", f)
	}
	answers(t, client, "state", `{}`, `{"number":0,"content":"some-content"}`)
}

func TestNodeErrors(t *testing.T) {
	t.Parallel()
	hostNode(t)
	client := up(t, t.TempDir()).client()
	deploy(t, client, nodeCreation(t, "bad", "app.mjs", "app.misbehave"))
	for _, tt := range []struct{ event, kind, message string }{
		{`{"how":"throw"}`, "RangeError", "no such thing"},
		{`{"how":"exit","code":7}`, "Runtime.ExitError", "Error: Runtime exited with error: exit status 7"},
		{`{"how":"exit","code":0}`, "Runtime.ExitError", "Error: Runtime exited without providing a reason"},
		{`{"how":"reject"}`, "Runtime.UnhandledPromiseRejection", "Error: nobody waits"},
		{`{"how":"hoard","mib":400}`, "Runtime.OutOfMemory", ""},
	} {
		f := fails(t, client, "bad", tt.event)
		if f.Type != tt.kind || !strings.HasSuffix(f.Message, tt.message) {
			t.Errorf("%s: %+v", tt.event, f)
		}
		answers(t, client, "bad", `{}`, `"still here"`)
	}
	// V8's heap and the box have nearly the same limit, as on AWS: either may be met first.
	if f := fails(t, client, "bad", `{"how":"heap"}`); f.Type != "Runtime.OutOfMemory" && !strings.HasSuffix(f.Message, "signal: aborted") {
		t.Errorf("heap: %+v", f)
	}
	answers(t, client, "bad", `{}`, `"still here"`)
	in := nodeCreation(t, "broken", "app.mjs", "app.missing")
	deploy(t, client, in)
	for range 2 {
		if f := fails(t, client, "broken", `{}`); f.Type != "Runtime.HandlerNotFound" || f.Message != "app.missing is undefined or not exported" {
			t.Errorf("%+v", f)
		}
	}
}

// TestNodeCallbackWaits: a callback's answer waits for what the function left to do,
// unless it says otherwise.
func TestNodeCallbackWaits(t *testing.T) {
	if hostNode(t) >= 24 {
		t.Skip("callbacks ended with Node 24")
	}
	client := up(t, t.TempDir()).client()
	deploy(t, client, nodeCreation(t, "greet", "app.cjs", "app.greet"))
	answers(t, client, "greet", `{"name":"you"}`, `"hello you"`)
	begin := time.Now()
	answers(t, client, "greet", `{"name":"you","linger":400}`, `"hello you"`)
	if took := time.Since(begin); took < 400*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
	begin = time.Now()
	answers(t, client, "greet", `{"name":"you","linger":5000,"waits":false}`, `"hello you"`)
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("answered after %v", took)
	}
	deploy(t, client, nodeCreation(t, "nothing", "app.cjs", "app.nothing"))
	answers(t, client, "nothing", `{}`, `null`)
}

func TestNodeJSONLog(t *testing.T) {
	t.Parallel()
	hostNode(t)
	client := up(t, t.TempDir()).client()
	in := nodeCreation(t, "logs", "app.mjs", "app.logs")
	in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson}
	deploy(t, client, in)
	out := invoke(t, client, "logs", `{}`, func(in *lambda.InvokeInput) { in.LogType = types.LogTypeTail })
	var lines []map[string]any
	for line := range strings.Lines(tailOf(t, out)) {
		var value map[string]any
		if err := json.Unmarshal([]byte(line), &value); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if value["level"] != nil {
			lines = append(lines, value)
		}
	}
	if len(lines) != 2 || lines[0]["message"] != "two\nlines" || lines[0]["requestId"] != headersOf(t, out).Get("X-Amzn-Requestid") {
		t.Fatalf("lines %v", lines)
	}
	if e := lines[1]; e["level"] != "ERROR" || e["errorType"] != "TypeError" || e["errorMessage"] != "caught" || e["stackTrace"] == nil {
		t.Errorf("%v", e)
	}
}

// nodeRIC pins AWS's runtime client for Node. It compiles itself when it is installed.
const nodeRIC = "aws-lambda-ric@4.0.2"

// TestOfficialNodeClient runs AWS's own runtime client, unchanged, as a provided function
// in a light sandbox.
func TestOfficialNodeClient(t *testing.T) {
	t.Parallel()
	if hostNode(t) < 20 {
		lacking(t, nodeRIC+" needs Node 20")
	}
	if testing.Short() {
		t.Skip("-short: " + nodeRIC + " takes a minute to compile")
	}
	client := up(t, t.TempDir()).client()
	in := creation(t, "client-node", "app.py", "app.handler")
	in.Runtime, in.Code = types.RuntimeProvidedal2023, &types.FunctionCode{ZipFile: packFolder(t, nodeRICFunction(t))}
	in.MemorySize, in.Tags = aws.Int32(256), map[string]string{"lambent:isolation": "light"}
	deploy(t, client, in)
	answers(t, client, "client-node", `{"name":"you"}`, `{"hello":"you"}`)
	answers(t, client, "client-node", `{"name":"again"}`, `{"hello":"again"}`)
	out := invoke(t, client, "client-node", `{"name":""}`)
	if aws.ToString(out.FunctionError) != "Unhandled" || !strings.Contains(string(out.Payload), `"errorMessage":"nobody to greet"`) {
		t.Errorf("an error came as %s %s", aws.ToString(out.FunctionError), out.Payload)
	}
}

// nodeRICFunction installs the client beside a handler, started by a bootstrap of one
// line.
func nodeRICFunction(t *testing.T) string {
	t.Helper()
	function := t.TempDir()
	dir, err := nodeClient()
	if err != nil {
		lacking(t, "installing "+nodeRIC+": "+err.Error())
	}
	write := func(name, text string) error { return os.WriteFile(filepath.Join(function, name), []byte(text), 0o755) }
	move := func(name string) error {
		return os.Rename(filepath.Join(dir, "node_modules", "aws-lambda-ric", name), filepath.Join(function, "client", name))
	}
	err = errors.Join(
		os.Mkdir(filepath.Join(function, "client"), 0o755),
		move("index.mjs"), move("rapid-client.node"), move("package.json"), // the rest is for its building
		write("bootstrap", "#!/bin/sh\nexec /usr/bin/env node client/index.mjs\n"),
		write("app.js", "exports.handler = async (event) => {\n  if (!event.name) throw new Error('nobody to greet');\n  return { hello: event.name };\n};\n"),
	)
	if err != nil {
		t.Fatal(err)
	}
	return function
}
