package microvm_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light"
	"lambent.dev/lambent/internal/sandbox/microvm"
	"lambent.dev/lambent/internal/sandbox/microvm/image"
)

// agentBinary is lambent-agent, built for the tests of this package; cache is where drivers of
// these tests share what a guest boot takes seconds to make.
var agentBinary, cache string

func TestMain(m *testing.M) {
	if path := os.Getenv(agentVariable); path != "" { // a daemon of the suite that is to be killed
		agentBinary, cache = path, os.Getenv(cacheVariable)
		os.Exit(m.Run())
	}
	os.Exit(run(m))
}

const (
	agentVariable = "MICROVM_TEST_AGENT"
	cacheVariable = "MICROVM_TEST_CACHE"
)

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lambent-microvm-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	agentBinary, cache = filepath.Join(dir, "lambent-agent"), filepath.Join(dir, "cache")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", agentBinary, "lambent.dev/lambent/cmd/lambent-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building lambent-agent: %v\n%s", err, out)
		return 1
	}
	os.Setenv(agentVariable, agentBinary)
	os.Setenv(cacheVariable, cache)
	return m.Run()
}

// images are where make and `lambent setup microvm` put them.
func images() []string {
	repository, err := filepath.Abs("../../../bin/microvm")
	if err != nil {
		return []string{image.SystemDir}
	}
	return []string{repository, image.SystemDir}
}

// filter is light's: see package drivers.
func filter(t testing.TB) []byte {
	t.Helper()
	f, err := light.Filter()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// newDriver skips, with what Probe says, where the host cannot do microvm. It ends with the test.
func newDriver(t testing.TB) *microvm.Driver {
	t.Helper()
	d, err := microvm.New(microvm.Options{
		Agent: agentBinary, Images: images(), Filter: filter(t), Owner: fmt.Sprintf("microvm-test-%d", os.Getpid()), Dir: t.TempDir(), Cache: cache,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	require(t, d)
	return d
}

// prepared is a template that ends with the test.
func prepared(t testing.TB, d *microvm.Driver, b sandbox.Base) sandbox.Template {
	t.Helper()
	template, err := d.Prepare(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := template.Close(); err != nil {
			t.Error(err)
		}
	})
	return template
}

// require skips where the host lacks what guests need, which CI has.
func require(t testing.TB, d *microvm.Driver) {
	t.Helper()
	_, err := d.Probe(t.Context())
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
}

// newBox makes a bound box that ends with the test.
func newBox(t *testing.T, mounts ...sandbox.Mount) sandbox.Sandbox {
	t.Helper()
	template := prepared(t, newDriver(t), sandbox.Base{Root: sandbox.RootHost, Tmp: 64 << 20, Network: sandbox.NetworkNone})
	return boundBox(t, template, sandbox.Workload{Mounts: mounts})
}

// output runs a command as a function does, and returns what it printed.
func output(t *testing.T, box sandbox.Sandbox, path string, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	p, err := box.Run(t.Context(), sandbox.Command{Path: path, Args: args, Env: []string{"PATH=/usr/bin:/bin"}, Stdout: &out, Stderr: &out})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	return out.String()
}
