package sdk

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// needsMicroVM skips a test where make has not made what microVMs boot from.
func needsMicroVM(t *testing.T) {
	t.Helper()
	needs(t)
	made, err := filepath.Abs(filepath.Join("..", "..", "bin", "microvm"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(made, "key")); err != nil {
		lacking(t, "needs a kernel and images: run `make microvm`")
	}
	if err := os.Symlink(made, filepath.Join(binaries, "microvm")); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
}

// inMicroVM asks for a function in a microVM. Where that is emulated, nothing is fast.
func inMicroVM(in *lambda.CreateFunctionInput) *lambda.CreateFunctionInput {
	in.Tags = map[string]string{isolationTag: "microvm"}
	in.Timeout = aws.Int32(60) // an emulated guest computes and fills its memory slowly
	return in
}

// Everything that a caller sees is as in any other isolation.
func TestMicroVM(t *testing.T) {
	t.Parallel()
	needsMicroVM(t)
	client := up(t, t.TempDir()).client()
	tail := func(in *lambda.InvokeInput) { in.LogType = types.LogTypeTail }

	deploy(t, client, inMicroVM(creation(t, "echo", "app.py", "app.echo")))
	answers(t, client, "echo", `{"a":"ü"}`, `{"a":"ü"}`)
	out := invoke(t, client, "echo", `{"n":1}`, tail)
	if h := headersOf(t, out); h.Get("X-Lambent-Isolation") != "microvm" || h.Get("X-Lambent-Start") != "warm" {
		t.Errorf("isolation %q, start %q", h.Get("X-Lambent-Isolation"), h.Get("X-Lambent-Start"))
	}
	if log := tailOf(t, out); !strings.Contains(log, `echo says {"n": 1}`) || !strings.Contains(log, "REPORT RequestId: ") {
		t.Errorf("log %q", log)
	}

	state := inMicroVM(creation(t, "state", "app.py", "app.state"))
	state.Timeout = aws.Int32(5)
	deploy(t, client, state)
	answers(t, client, "state", `{"number":7,"content":"kept"}`, `{"number":7,"content":"kept"}`)
	out = invoke(t, client, "state", `{"sleep":60}`)
	if aws.ToString(out.FunctionError) != "Unhandled" || !strings.Contains(string(out.Payload), "Task timed out after 5.00 seconds") {
		t.Errorf("a timeout answered %s", out.Payload)
	}
	answers(t, client, "state", `{}`, `{"number":0,"content":"kept"}`)

	deploy(t, client, inMicroVM(creation(t, "hoard", "app.py", "app.hoard")))
	out = invoke(t, client, "hoard", `{"mib":600}`, tail)
	if !strings.Contains(string(out.Payload), "Runtime.OutOfMemory") {
		t.Errorf("hoarding answered %s", out.Payload)
	}
	answers(t, client, "hoard", `{"mib":20}`, `20`)
}

// AWS's client for Go speaks HTTP to the Runtime API, which the agent forwards.
func TestMicroVMRunsTheOfficialClient(t *testing.T) {
	t.Parallel()
	needsMicroVM(t)
	client := up(t, t.TempDir()).client()
	in := inMicroVM(creation(t, "client", "app.py", "app.handler"))
	in.Runtime, in.Code = "provided.al2023", &types.FunctionCode{ZipFile: packFolder(t, goFunction(t))}
	deploy(t, client, in)
	showsTheMachine(t, invoke(t, client, "client", `{"name":"you"}`))
	for range 2 {
		answers(t, client, "client", `{"name":"you"}`, `{"hello":"you"}`)
	}
}

// Lambent's own bootstrap for Node.
func TestMicroVMRunsNode(t *testing.T) {
	t.Parallel()
	needsMicroVM(t)
	client := up(t, t.TempDir()).client()
	deploy(t, client, inMicroVM(nodeCreation(t, "echo", "app.mjs", "app.echo")))
	out := invoke(t, client, "echo", `{"n":1}`, func(in *lambda.InvokeInput) { in.LogType = types.LogTypeTail })
	if log := tailOf(t, out); string(out.Payload) != `{"n":1}` || !strings.Contains(log, "INFO\techo says { n: 1 }\n") {
		t.Errorf("answered %s, log %q", out.Payload, log)
	}
	showsTheMachine(t, out)
	answers(t, client, "echo", `{"a":[1,"ü"]}`, `{"a":[1,"ü"]}`)
}

// showsTheMachine holds a start to phases of its machine's own, and to the name of what isolates.
func showsTheMachine(t *testing.T, out *lambda.InvokeOutput) {
	t.Helper()
	h := headersOf(t, out)
	timing, start := h.Get("Server-Timing"), h.Get("X-Lambent-Start")
	phases := []string{"attach;dur="}
	if start != "stem" { // whose machine went on before the request
		phases = append(phases, "restore;dur=")
	}
	for _, phase := range phases {
		if !strings.Contains(timing, phase) {
			t.Errorf("a start of the kind %s has no %s: %s", start, phase, timing)
		}
	}
	if h.Get("X-Lambent-Isolation") != "microvm" || start == "warm" {
		t.Errorf("isolation %q, start %q", h.Get("X-Lambent-Isolation"), start)
	}
}
