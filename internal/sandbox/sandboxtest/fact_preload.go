package sandboxtest

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

// Preloading is an optimisation: whatever a driver makes of it, what Run gives must be as
// if it had executed the command. That it does adopt is held where Suite.Preloads says so.
func preloadFacts() []fact {
	return []fact{
		{name: "PreloadIsAdoptedOnce", test: preloadIsAdoptedOnce},
		{name: "PreloadSpeaks", test: preloadSpeaks},
		{name: "PreloadThatEndedIsHeard", test: preloadThatEnded},
		{name: "PreloadSpeaksDirectly", test: preloadSpeaksDirectly},
		{name: "PreloadIsHeard", test: preloadIsHeard},
		{name: "PreloadIsSignalled", test: preloadIsSignalled},
		{name: "PreloadWithTwoOutputsIsExecuted", test: preloadWithTwoOutputs},
		{name: "PreloadWithoutStreamIsExecuted", test: preloadWithoutStream},
		{name: "PreloadThatDiedIsExecuted", test: preloadThatDied},
		{name: "PreloadThenReset", test: preloadThenReset},
		{name: "PreloadUnadoptedThenReset", test: preloadUnadoptedThenReset},
		{name: "PreloadOutlivesItsTemplate", test: preloadOutlivesItsTemplate},
		{name: "PreloadFrozenWhileItWaits", test: preloadFrozenWhileItWaits},
		{name: "PreloadedRunEndsWithContext", test: preloadedRunEndsWithContext},
		{name: "PreloadedBoxOfTwoRuns", test: preloadedBoxOfTwoRuns},
		{name: "PreloadedBoxCloses", test: preloadedBoxCloses},
		{name: "PreloadTakesALargeWorkload", test: preloadTakesALargeWorkload},
	}
}

// preloads are the interpreters of the suite: the probe waits.
func preloads(code string) func(string) (sandbox.Preload, error) {
	return func(name string) (sandbox.Preload, error) {
		c := waiter(name)
		c.Env = []string{"ORIGIN=preload", "OF_PRELOAD=1"}
		return sandbox.Preload{Mounts: []sandbox.Mount{runtimeMount(code)}, Command: c, Copies: true}, nil
	}
}

func runtimeMount(code string) sandbox.Mount {
	return sandbox.Mount{Source: code, Target: "/var/runtime"}
}

// waiter is the command that a name stands for: wait, wait-direct, die.
func waiter(name string) sandbox.Command {
	c := sandbox.Command{Path: "/var/runtime/probe", Args: []string{"wait"}, Stream: true, Direct: name == "wait-direct"}
	if name == "die" {
		c.Args = append(c.Args, "die")
	}
	return c
}

// preloading prepares a template whose boxes have something that waits.
func (r *rig) preloading(name string) sandbox.Template {
	r.Helper()
	b := r.suite.base()
	b.Preload = name
	template := prepare(r, r.driver, b)
	if r.fits {
		return r.fitting(template)
	}
	return template
}

// madeOf makes a box of a template that ends with the test.
func (r *rig) madeOf(t sandbox.Template) sandbox.Sandbox {
	r.Helper()
	box, err := t.Create(r.ctx(), r.id())
	if err != nil {
		r.Fatalf("Create: %v", err)
	}
	r.Cleanup(func() { r.close(box) })
	return box
}

// preloaded is a bound box in which something waits.
func (r *rig) preloaded(name string) sandbox.Sandbox {
	r.Helper()
	box := r.madeOf(r.preloading(name))
	r.bindPreloaded(box)
	return box
}

func (r *rig) bindPreloaded(box sandbox.Sandbox, changes ...func(*sandbox.Workload)) {
	r.Helper()
	w := r.workload()
	for _, change := range changes {
		change(&w)
	}
	w.Mounts = append(w.Mounts, runtimeMount(r.code))
	if err := box.Bind(r.ctx(), w); err != nil {
		r.Fatalf("Bind: %v", err)
	}
}

// preloadedCommand runs a subcommand by way of what waits.
func preloadedCommand(args ...string) sandbox.Command {
	c := waiter("wait")
	c.Env, c.Dir = []string{"PROBE=" + strings.Join(args, " "), "OWN=a=b", "EMPTY="}, "/tmp"
	return c
}

// ranPreloaded starts a subcommand with one output, as instances do.
func (r *rig) ranPreloaded(box sandbox.Sandbox, args ...string) *running {
	r.Helper()
	return r.startOne(box, preloadedCommand(args...))
}

func (r *rig) startOne(box sandbox.Sandbox, c sandbox.Command) *running {
	r.Helper()
	out := newBuffer()
	c.Stdout, c.Stderr = out, out
	p, err := box.Run(r.ctx(), c)
	if err != nil {
		r.Fatalf("Run %s %v: %v", c.Path, c.Env, err)
	}
	return &running{Process: p, stdout: out, stderr: out}
}

// identity is what the subcommand self prints.
type identity struct {
	Waited bool
	Env    []string
	Dir    string
	FDs    []int
}

// expectSelf checks that a command is as it was asked for.
func (r *rig) expectSelf(p *running, waited bool) {
	r.Helper()
	if e := r.exit(p); e != (sandbox.Exit{}) {
		r.Fatalf("it ended with %+v: %s", e, p.stdout)
	}
	var me identity
	if err := json.Unmarshal([]byte(p.stdout.String()), &me); err != nil {
		r.Fatalf("it printed %q", p.stdout)
	}
	if me.Waited != waited {
		r.Errorf("it waited: %v, want %v", me.Waited, waited)
	}
	for _, want := range []string{"ORIGIN=workload", "OWN=a=b", "EMPTY=", "PROBE=self"} {
		if !slices.Contains(me.Env, want) {
			r.Errorf("its variables lack %s: %q", want, me.Env)
		}
	}
	for _, pair := range me.Env {
		if strings.HasPrefix(pair, "OF_PRELOAD") || strings.HasPrefix(pair, "LAMBENT_START") {
			r.Errorf("the preload's %s is among its variables", pair)
		}
	}
	if r.suite.Isolates && (me.Dir != "/tmp" || len(me.FDs) > 4) {
		r.Errorf("it is in %s with descriptors %v", me.Dir, me.FDs)
	}
}

func preloadIsAdoptedOnce(r *rig) {
	box := r.preloaded("wait")
	r.expectSelf(r.ranPreloaded(box, "self"), r.suite.Preloads)
	r.expectSelf(r.ranPreloaded(box, "self"), false)
}

func preloadSpeaks(r *rig) {
	box := r.preloaded("wait")
	r.ranPreloaded(box, "echo")
	for range 3 {
		r.speak(r.open(box))
	}
}

// preloadThatEnded: a stream is opened ahead for what waits, so what it says there before it ends,
// sooner than anybody asked for the stream, is not lost.
func preloadThatEnded(r *rig) {
	box := r.preloaded("wait")
	p := r.ranPreloaded(box, "farewell")
	select {
	case <-p.Done():
	case <-after(shortWhile): // it waits for its stream
	}
	conn := r.open(box)
	r.expect(conn, "farewell\n")
	r.expectEnd(conn)
}

func preloadSpeaksDirectly(r *rig) {
	box := r.preloaded("wait-direct")
	c := preloadedCommand("echo-one")
	c.Direct = true
	r.startOne(box, c)
	r.speak(r.open(box))
	if _, err := box.Open(r.ctx()); err == nil {
		r.Error("a direct stream was opened twice")
	}
}

// preloadIsHeard: what it printed is there when it has ended, and before, after Sync.
func preloadIsHeard(r *rig) {
	box := r.preloaded("wait")
	p := r.ranPreloaded(box, "lines", "2000")
	r.expect(r.open(box), "printed\n")
	if err := p.Sync(r.ctx()); err != nil {
		r.Errorf("Sync: %v", err)
	}
	if got := strings.Count(p.stdout.String(), "\n"); got != 4000 {
		r.Errorf("%d lines, want 4000", got)
	}
	p = r.ranPreloaded(r.preloaded("wait"), "output", "100000")
	if e := r.exit(p); e != (sandbox.Exit{}) || len(p.stdout.String()) != 200000 {
		r.Errorf("%+v, %d bytes", e, len(p.stdout.String()))
	}
}

func preloadIsSignalled(r *rig) {
	p := r.ranPreloaded(r.preloaded("wait"), "catch-term")
	r.waitFor(p, "ready")
	if err := p.Signal(syscall.SIGTERM); err != nil {
		r.Fatal(err)
	}
	if e := r.exit(p); e.Code != 7 {
		r.Errorf("exit = %+v", e)
	}
	r.want("Signal after the end", p.Signal(os.Interrupt), os.ErrProcessDone)
	p = r.ranPreloaded(r.preloaded("wait"), "sleep")
	if err := p.Signal(os.Kill); err != nil {
		r.Fatal(err)
	}
	if e := r.exit(p); !killed(e) || e.OutOfMemory {
		r.Errorf("exit = %+v", e)
	}
}

func preloadWithTwoOutputs(r *rig) {
	box := r.preloaded("wait")
	p := r.start(box, preloadedCommand("output", "10"))
	if r.exit(p); len(p.stdout.String()) != 10 || len(p.stderr.String()) != 10 {
		r.Errorf("stdout %q, stderr %q", p.stdout, p.stderr)
	}
}

func preloadWithoutStream(r *rig) {
	box := r.preloaded("wait")
	c := preloadedCommand("self")
	c.Stream = false
	r.expectSelf(r.startOne(box, c), false)
	r.expectSelf(r.ranPreloaded(box, "self"), r.suite.Preloads)
}

// preloadThatDied waits longer and longer: what has not yet died is given the work, and ends by
// its own code then.
func preloadThatDied(r *rig) {
	template := r.preloading("die")
	for wait := shortWhile; ; wait *= 2 {
		box := r.madeOf(template)
		<-after(wait)
		r.bindPreloaded(box)
		p := r.ranPreloaded(box, "self")
		if r.exit(p).Code != dyingCode || wait > 2*time.Second {
			r.expectSelf(p, false)
			return
		}
	}
}

// dyingCode is what the probe "wait die" ends with.
const dyingCode = 9

func preloadThenReset(r *rig) {
	box := r.preloaded("wait")
	p := r.ranPreloaded(box, "echo")
	conn := r.open(box)
	r.speak(conn)
	r.reset(box)
	r.expectEnd(conn)
	if e := r.exit(p); !killed(e) {
		r.Errorf("exit = %+v", e)
	}
	r.ranPreloaded(box, "echo")
	r.speak(r.open(box))
}

func preloadUnadoptedThenReset(r *rig) {
	box := r.preloaded("wait")
	r.reset(box)
	r.expectSelf(r.ranPreloaded(box, "self"), false)
}

func preloadOutlivesItsTemplate(r *rig) {
	template := r.preloading("wait")
	box, other := r.madeOf(template), r.madeOf(template)
	if err := template.Close(); err != nil {
		r.Fatalf("Close: %v", err)
	}
	r.close(other)
	r.bindPreloaded(box)
	r.ranPreloaded(box, "echo")
	r.speak(r.open(box))
}

func preloadFrozenWhileItWaits(r *rig) {
	box, frozen := r.preloaded("wait"), r.preloaded("wait")
	f, ok := box.(sandbox.Freezer)
	if !ok {
		r.Skip("it cannot be frozen")
	}
	<-after(shortWhile) // a program that is just being executed cannot be frozen (cgroup v1)
	r.freeze(f)
	if err := f.Thaw(r.ctx()); err != nil {
		r.Fatal(err)
	}
	r.expectSelf(r.ranPreloaded(box, "self"), r.suite.Preloads)
	r.freeze(frozen.(sandbox.Freezer))
	r.close(frozen)
}

func preloadedRunEndsWithContext(r *rig) {
	box := r.preloaded("wait")
	c := preloadedCommand("sleep")
	_, err := box.Run(r.cancelled(), c)
	r.want("Run with a cancelled context", err, errCaller)
	r.ranPreloaded(box, "echo")
	r.speak(r.open(box))
}

// preloadedBoxOfTwoRuns: Open speaks to the most recent, whoever was adopted.
func preloadedBoxOfTwoRuns(r *rig) {
	box := r.preloaded("wait")
	first := r.ranPreloaded(box, "echo")
	r.ranPreloaded(box, "echo")
	conn := r.open(box)
	if err := first.Signal(os.Kill); err != nil {
		r.Fatal(err)
	}
	r.exit(first)
	r.speak(conn)
	r.speak(r.open(box))
}

func preloadedBoxCloses(r *rig) {
	box := r.preloaded("wait")
	p := r.ranPreloaded(box, "echo")
	conn := r.open(box)
	r.close(box)
	r.expectEnd(conn)
	if e := r.exit(p); !killed(e) {
		r.Errorf("exit = %+v", e)
	}
	for name, err := range r.all(box) {
		r.want(name+" after Close", err, sandbox.ErrClosed)
	}
}

func preloadTakesALargeWorkload(r *rig) {
	box := r.preloaded("wait")
	c := preloadedCommand("self")
	for i := range 40 {
		c.Env = append(c.Env, fmt.Sprintf("LARGE_%d=%s", i, strings.Repeat("x", 1000)))
	}
	r.expectSelf(r.startOne(box, c), r.suite.Preloads)
}
