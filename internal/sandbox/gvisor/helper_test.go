package gvisor_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/gvisor"
	"lambent.dev/lambent/internal/sandbox/gvisor/runsc"
)

// agentBinary is lambent-agent, built for the tests of this package.
var agentBinary string

func TestMain(m *testing.M) {
	if path := os.Getenv(agentVariable); path != "" { // a daemon of the suite that is to be killed
		agentBinary = path
		os.Exit(m.Run())
	}
	os.Exit(run(m))
}

const agentVariable = "GVISOR_TEST_AGENT"

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lambent-agent-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	agentBinary = filepath.Join(dir, "lambent-agent")
	build := exec.Command("go", "build", "-trimpath", "-o", agentBinary, "lambent.dev/lambent/cmd/lambent-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building lambent-agent: %v\n%s", err, out)
		return 1
	}
	os.Setenv(agentVariable, agentBinary)
	return m.Run()
}

// runscPaths are where make and `lambent setup gvisor` put runsc.
func runscPaths() []string {
	repository, err := filepath.Abs("../../../bin")
	if err != nil {
		return []string{runsc.SystemDir}
	}
	return []string{filepath.Join(repository, runsc.Name), filepath.Join(runsc.SystemDir, runsc.Name)}
}

// newTemplate skips, with what Probe says, where the host cannot do gvisor.
func newTemplate(t testing.TB) (*gvisor.Driver, sandbox.Template) {
	t.Helper()
	return newTemplateOf(t, "", nil)
}

// newTemplateOf makes one whose boxes have an interpreter that waits.
func newTemplateOf(t testing.TB, name string, preload func(string) (sandbox.Preload, error)) (*gvisor.Driver, sandbox.Template) {
	t.Helper()
	d, err := gvisor.New(gvisor.Options{
		Agent: agentBinary, Runsc: runscPaths(), Owner: fmt.Sprintf("gvisor-test-%d", os.Getpid()), Dir: t.TempDir(), Preload: preload,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Probe(t.Context()); err != nil {
		t.Skip(err)
	}
	template, err := d.Prepare(t.Context(), sandbox.Base{Root: sandbox.RootHost, Preload: name, Tmp: 64 << 20, Network: sandbox.NetworkNone})
	if err != nil {
		t.Fatal(err)
	}
	return d, template
}

// newBox makes a bound box without code that ends with the test.
func newBox(t *testing.T) sandbox.Sandbox {
	t.Helper()
	d, template := newTemplate(t)
	box, err := template.Create(t.Context(), fmt.Sprintf("box-%d", time.Now().UnixNano()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(box.Close(context.Background()), template.Close(), d.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := box.Bind(t.Context(), sandbox.Workload{Name: "test", Memory: 128 << 20, Pids: 64}); err != nil {
		t.Fatal(err)
	}
	return box
}
