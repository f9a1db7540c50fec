package light_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light"
)

// initBinary is built once, by TestMain.
var initBinary string

func TestMain(m *testing.M) {
	if os.Getenv(doomedVariable) != "" {
		os.Exit(doomed())
	}
	dir, err := os.MkdirTemp("", "lambent-init-")
	if err != nil {
		panic(err)
	}
	initBinary = filepath.Join(dir, "lambent-init")
	build := exec.Command("go", "build", "-o", initBinary, "lambent.dev/lambent/cmd/lambent-init")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	_ = os.Chmod(dir, 0o755)
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// newDriver skips, with what Probe says, where the host cannot do light.
func newDriver(t testing.TB, without ...light.Protection) *light.Driver {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("light needs root")
	}
	d, err := light.New(light.Options{Init: initBinary, Owner: "test-" + id(t), Dir: t.TempDir(), Without: without})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Probe(t.Context()); errors.Is(err, sandbox.ErrUnavailable) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Reap(context.Background(), func(owner string) bool { return !strings.HasPrefix(owner, "test-"+id(t)) }); err != nil {
			t.Error(err)
		}
	})
	return d
}

func id(t testing.TB) string {
	keep := func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}
	name := strings.Map(keep, t.Name())
	return name[:min(len(name), 50)]
}

func base() sandbox.Base {
	return sandbox.Base{Trust: "test", Root: sandbox.RootHost, Tmp: 512 << 20, Network: sandbox.NetworkNone}
}

func workload() sandbox.Workload {
	return sandbox.Workload{Name: "test", Memory: 128 << 20, Pids: 256}
}

func prepare(t testing.TB, d *light.Driver) sandbox.Template {
	t.Helper()
	tmpl, err := d.Prepare(t.Context(), base())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tmpl.Close(); err != nil {
			t.Error(err)
		}
	})
	return tmpl
}

func create(t testing.TB, tmpl sandbox.Template) sandbox.Sandbox {
	t.Helper()
	s, err := tmpl.Create(t.Context(), id(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeBox(t, s) })
	return s
}

func closeBox(t testing.TB, s sandbox.Sandbox) {
	t.Helper()
	ctx, stop := context.WithTimeoutCause(context.Background(), 20*time.Second, errors.New("close took too long"))
	defer stop()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

// newBox is a bound box.
func newBox(t testing.TB, w sandbox.Workload, without ...light.Protection) sandbox.Sandbox {
	t.Helper()
	s := create(t, prepare(t, newDriver(t, without...)))
	if err := s.Bind(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	return s
}

// result is what a command did.
type result struct {
	out  string
	exit sandbox.Exit
}

// buffer is a Writer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// sh runs a shell script to its end.
func sh(t testing.TB, s sandbox.Sandbox, script string) result {
	t.Helper()
	return run(t, s, sandbox.Command{Path: "/bin/sh", Args: []string{"-c", script}})
}

func run(t testing.TB, s sandbox.Sandbox, c sandbox.Command) result {
	t.Helper()
	var out buffer
	c.Stdout, c.Stderr = &out, &out
	if c.Env == nil {
		c.Env = []string{"PATH=/usr/bin:/bin"}
	}
	p, err := s.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	case <-time.After(60 * time.Second):
		t.Fatalf("%s %v did not end; it said %q", c.Path, c.Args, out.String())
	}
	return result{out.String(), p.Exit()}
}

// dup copies a descriptor to a number, inheritable, until the test's end.
func dup(t testing.TB, from, to int) {
	t.Helper()
	if err := syscall.Dup3(from, to, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(to) })
}
