package sdk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const isolationTag = "lambent:isolation"

// needsGVisor skips a test where make has not built runsc.
func needsGVisor(t *testing.T) {
	t.Helper()
	needs(t)
	if !hasGVisor(t) {
		lacking(t, "needs runsc: run `make runsc`")
	}
}

// inGVisor asks for a function in gVisor.
func inGVisor(in *lambda.CreateFunctionInput) *lambda.CreateFunctionInput {
	in.Tags = map[string]string{isolationTag: "gvisor"}
	return in
}

// Everything that a caller sees is the same in every isolation.
func TestEveryIsolation(t *testing.T) {
	for _, tier := range tiers(t) {
		t.Run(tier, func(t *testing.T) { everythingIn(t, tier) })
	}
}

func everythingIn(t *testing.T, tier string) {
	t.Setenv("LAMBENT_ISOLATION", tier)
	client := up(t, t.TempDir()).client()
	tail := func(in *lambda.InvokeInput) { in.LogType = types.LogTypeTail }

	deploy(t, client, creation(t, "echo", "app.py", "app.echo"))
	answers(t, client, "echo", `{"a":"ü"}`, `{"a":"ü"}`)
	out := invoke(t, client, "echo", `{"n":1}`, tail)
	if h := headersOf(t, out); h.Get("X-Lambent-Isolation") != tier || h.Get("X-Lambent-Start") != "warm" {
		t.Errorf("isolation %q, start %q", h.Get("X-Lambent-Isolation"), h.Get("X-Lambent-Start"))
	}
	if log := tailOf(t, out); !strings.Contains(log, `echo says {"n": 1}`) || !strings.Contains(log, "REPORT RequestId: ") {
		t.Errorf("log %q", log)
	}

	state := creation(t, "state", "app.py", "app.state")
	state.Timeout = aws.Int32(1)
	deploy(t, client, state)
	answers(t, client, "state", `{"number":7,"content":"kept"}`, `{"number":7,"content":"kept"}`)
	out = invoke(t, client, "state", `{"sleep":30}`)
	if aws.ToString(out.FunctionError) != "Unhandled" || !strings.Contains(string(out.Payload), "Task timed out after 1.00 seconds") {
		t.Errorf("a timeout answered %s", out.Payload)
	}
	answers(t, client, "state", `{}`, `{"number":0,"content":"kept"}`)

	deploy(t, client, creation(t, "leave", "app.py", "app.leave"))
	if out := invoke(t, client, "leave", `{"code":3}`); !strings.Contains(string(out.Payload), "exit status 3") {
		t.Errorf("a crash answered %s", out.Payload)
	}
	answers(t, client, "leave", `{}`, `"still here"`)

	deploy(t, client, creation(t, "hoard", "app.py", "app.hoard"))
	out = invoke(t, client, "hoard", `{"mib":600}`, tail)
	if !strings.Contains(string(out.Payload), "Runtime.OutOfMemory") {
		t.Errorf("hoarding answered %s", out.Payload)
	}
	if log := tailOf(t, out); !strings.Contains(log, "Error Type: Runtime.OutOfMemory") {
		t.Errorf("log of hoarding %q", log)
	}
	answers(t, client, "hoard", `{"mib":20}`, `20`)
}

func TestGVisorRunsNode(t *testing.T) {
	t.Parallel()
	needsGVisor(t)
	client := up(t, t.TempDir()).client()
	deploy(t, client, inGVisor(nodeCreation(t, "echo", "app.mjs", "app.echo")))
	answers(t, client, "echo", `{"a":[1,"ü"]}`, `{"a":[1,"ü"]}`)
	if got := headersOf(t, invoke(t, client, "echo", `1`)).Get("X-Lambent-Isolation"); got != "gvisor" {
		t.Errorf("isolation %q", got)
	}
}

// AWS's client for Go speaks HTTP to the Runtime API, which the agent forwards.
func TestGVisorRunsTheOfficialClient(t *testing.T) {
	t.Parallel()
	needsGVisor(t)
	client := up(t, t.TempDir()).client()
	in := inGVisor(creation(t, "client", "app.py", "app.handler"))
	in.Runtime, in.Code = "provided.al2023", &types.FunctionCode{ZipFile: packFolder(t, goFunction(t))}
	deploy(t, client, in)
	for range 3 {
		answers(t, client, "client", `{"name":"you"}`, `{"hello":"you"}`)
	}
}

// What comes after the first function finds sandboxes that were made before it was asked for.
func TestGVisorKeepsStems(t *testing.T) {
	t.Parallel()
	needsGVisor(t)
	client := up(t, t.TempDir()).client()
	deploy(t, client, inGVisor(creation(t, "first", "app.py", "app.echo")))
	answers(t, client, "first", `1`, `1`)
	for next, end := 1, time.Now().Add(20*time.Second); time.Now().Before(end); next++ {
		name := fmt.Sprint("next", next)
		deploy(t, client, inGVisor(creation(t, name, "app.py", "app.echo")))
		if headersOf(t, invoke(t, client, name, `1`)).Get("X-Lambent-Start") == "stem" {
			return
		}
	}
	t.Error("no function started from a stem")
}

// A host that lacks what a tier needs says what, and how to get it, and takes nothing weaker.
func TestMissingIsolationIsRefused(t *testing.T) {
	t.Parallel()
	needs(t)
	for _, installed := range []string{"runsc", "microvm"} {
		if _, err := os.Stat("/usr/local/lib/lambent/" + installed); err == nil {
			t.Skip(installed + " is installed on this host")
		}
	}
	bare := t.TempDir()
	for _, name := range []string{"lambent", "lambent-init", "lambent-agent"} {
		program, err := os.ReadFile(filepath.Join(binaries, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bare, name), program, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	open(t, bare)
	client := upFrom(t, bare, t.TempDir()).client()
	arn := deploy(t, client, creation(t, "echo", "app.py", "app.echo")).FunctionArn
	for _, tier := range []string{"gvisor", "microvm"} {
		missing := func(what string, err error) {
			t.Helper()
			var refused *types.InvalidParameterValueException
			if !errors.As(err, &refused) || !strings.Contains(refused.ErrorMessage(), "lambent setup "+tier) {
				t.Errorf("%s in %s: %v", what, tier, err)
			}
		}
		in := creation(t, "other", "app.py", "app.echo")
		in.Tags = map[string]string{isolationTag: tier}
		_, err := client.CreateFunction(t.Context(), in)
		missing("creating one", err)
		missing("tagging one", tag(t, client, arn, in.Tags))
	}
	if got := headersOf(t, invoke(t, client, "echo", `1`)).Get("X-Lambent-Isolation"); got != "light" {
		t.Errorf("isolation %q", got)
	}
}

// open lets every uid enter a temporary folder: lambent-init runs from it inside sandboxes.
func open(t *testing.T, dir string) {
	t.Helper()
	for _, path := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
