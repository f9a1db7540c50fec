package sandboxtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// rig is what a fact is tested with.
type rig struct {
	*testing.T
	suite    Suite
	config   Config
	driver   sandbox.Driver
	template sandbox.Template
	code     string        // folder of the host with the probe
	boxes    *atomic.Int64 // created so far
	fits     bool          // what is preloaded comes into a bare sandbox, by Fit
}

// Limits of a workload in the suite, if a fact does not set others.
const (
	memoryLimit = int64(128 << 20)
	tmpLimit    = int64(64 << 20)
	pidsLimit   = 64
)

// ctx returns a context that bounds one step.
func (r *rig) ctx() context.Context {
	ctx, cancel := context.WithTimeoutCause(context.Background(), opTimeout, errSlow)
	r.Cleanup(cancel)
	return ctx
}

// id returns a box id that is unique on the host.
func (r *rig) id() string {
	owner := r.config.Owner
	return fmt.Sprintf("%s-%d-%d", owner[max(0, len(owner)-32):], time.Now().UnixMicro()%1e9, r.boxes.Add(1))
}

// generic creates a box that ends with the test.
func (r *rig) generic() sandbox.Sandbox {
	r.Helper()
	box, err := r.template.Create(r.ctx(), r.id())
	if err != nil {
		r.Fatalf("Create: %v", err)
	}
	r.Cleanup(func() { r.close(box) })
	return box
}

func (r *rig) close(box sandbox.Sandbox) {
	r.Helper()
	if err := box.Close(r.ctx()); err != nil {
		r.Errorf("Close: %v", err)
	}
}

// workload is a plain function with the probe as its code.
func (r *rig) workload() sandbox.Workload {
	return sandbox.Workload{
		Name:   "probe",
		Mounts: []sandbox.Mount{{Source: r.code, Target: "/var/task"}},
		Memory: memoryLimit,
		Pids:   pidsLimit,
		Env:    []string{"PATH=/usr/bin:/bin", "ORIGIN=workload"},
	}
}

// bound creates a box and binds it to a plain function, changed as asked.
func (r *rig) bound(changes ...func(*sandbox.Workload)) sandbox.Sandbox {
	r.Helper()
	w := r.workload()
	for _, change := range changes {
		change(&w)
	}
	box := r.generic()
	if err := box.Bind(r.ctx(), w); err != nil {
		r.Fatalf("Bind: %v", err)
	}
	return box
}

// running is a command and what it has printed so far.
type running struct {
	sandbox.Process
	stdout, stderr *buffer
}

// buffer may be read while a driver writes to it.
type buffer struct {
	mu   sync.Mutex // protects b
	b    bytes.Buffer
	wake chan struct{} // receives after a write, if somebody listens
}

func newBuffer() *buffer { return &buffer{wake: make(chan struct{}, 1)} }

// Write implements io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// probe returns the command that runs a subcommand of the probe.
func probe(args ...string) sandbox.Command {
	return sandbox.Command{Path: "/var/task/probe", Args: args}
}

// start runs a command and collects its output.
func (r *rig) start(box sandbox.Sandbox, c sandbox.Command) *running {
	r.Helper()
	run := &running{stdout: newBuffer(), stderr: newBuffer()}
	c.Stdout, c.Stderr = run.stdout, run.stderr
	p, err := box.Run(r.ctx(), c)
	if err != nil {
		r.Fatalf("Run %s %v: %v", c.Path, c.Args, err)
	}
	run.Process = p
	return run
}

// stream runs a subcommand with a stream channel.
func (r *rig) stream(box sandbox.Sandbox, args ...string) *running {
	r.Helper()
	c := probe(args...)
	c.Stream = true
	return r.start(box, c)
}

// exit waits for the end of a process.
func (r *rig) exit(p *running) sandbox.Exit {
	r.Helper()
	select {
	case <-p.Done():
	case <-r.ctx().Done():
		r.Fatalf("a process did not end; it printed %q, %q", p.stdout, p.stderr)
	}
	return p.Exit()
}

// output runs a command that must succeed and returns what it printed.
func (r *rig) output(box sandbox.Sandbox, args ...string) string {
	r.Helper()
	p := r.start(box, probe(args...))
	if e := r.exit(p); e != (sandbox.Exit{}) {
		r.Fatalf("probe %v ended with %+v: %s", args, e, p.stderr)
	}
	return p.stdout.String()
}

// printed runs a command that must succeed and decodes what it printed.
func printed[T any](r *rig, box sandbox.Sandbox, args ...string) T {
	r.Helper()
	var v T
	if out := r.output(box, args...); json.Unmarshal([]byte(out), &v) != nil {
		r.Fatalf("probe %v printed %q", args, out)
	}
	return v
}

// waitFor returns when a process has printed text.
func (r *rig) waitFor(p *running, text string) {
	r.Helper()
	ctx := r.ctx()
	for !strings.Contains(p.stdout.String(), text) {
		select {
		case <-p.stdout.wake:
		case <-p.Done():
			if !strings.Contains(p.stdout.String(), text) {
				r.Fatalf("a process ended with %+v and did not print %q: %s", p.Exit(), text, p.stderr)
			}
		case <-ctx.Done():
			r.Fatalf("a process did not print %q", text)
		}
	}
}

// eventually waits until a condition holds.
func (r *rig) eventually(what string, holds func() bool) {
	r.Helper()
	for end := time.Now().Add(opTimeout); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.Fatalf("never happened: %s", what)
		}
	}
}

// want checks that an error is or wraps another.
func (r *rig) want(doing string, got, want error) {
	r.Helper()
	if !errors.Is(got, want) {
		r.Errorf("%s: got %v, want %v", doing, got, want)
	}
}

// all calls every method that needs an open box and returns their errors by name.
func (r *rig) all(box sandbox.Sandbox) map[string]error {
	_, run := box.Run(r.ctx(), probe("exit", "0"))
	_, open := box.Open(r.ctx())
	_, listen := box.Listen(r.ctx(), "127.0.0.1:0")
	_, dial := box.Dial(r.ctx(), "127.0.0.1:9")
	_, usage := box.Usage(r.ctx())
	errs := map[string]error{
		"Bind": box.Bind(r.ctx(), r.workload()), "Run": run, "Open": open, "Reset": box.Reset(r.ctx()),
		"Listen": listen, "Dial": dial, "Usage": usage,
	}
	if f, ok := box.(sandbox.Freezer); ok {
		errs["Freeze"], errs["Thaw"] = f.Freeze(r.ctx()), f.Thaw(r.ctx())
	}
	if c, ok := box.(sandbox.Classed); ok {
		errs["SetClass"] = c.SetClass(r.ctx(), lambda.ClassBatch)
	}
	if s, ok := box.(sandbox.Scheduled); ok {
		errs["SetTurn"] = s.SetTurn(r.ctx(), sandbox.Turn{Slice: time.Millisecond, Ahead: true})
	}
	return errs
}

// killed is the exit of a process that was ended by force.
func killed(e sandbox.Exit) bool { return e.Signal == syscall.SIGKILL }

func has(list []string, s string) bool { return slices.Contains(list, s) }
