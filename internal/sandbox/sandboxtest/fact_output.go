package sandboxtest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

// shortWhile is long enough for what should not happen to happen.
const shortWhile = 50 * time.Millisecond

func after(d time.Duration) <-chan time.Time { return time.After(d) }

func withCause(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	return context.WithCancelCause(ctx)
}

func outputFacts() []fact {
	return []fact{
		{name: "OutputIsSeparate", test: outputIsSeparate},
		{name: "OutputIsWholeAtDone", test: outputIsWholeAtDone},
		{name: "OutputIsWholeForTheSlow", test: outputIsWholeForTheSlow},
		{name: "OutputMayBeUnwanted", test: outputMayBeUnwanted},
		{name: "OutputOfDescendants", test: outputOfDescendants},
		{name: "RefusedOutputIsDropped", test: refusedOutputIsDropped},
		{name: "DoneDoesNotWaitForOrphans", test: doneDoesNotWaitForOrphans},
		{name: "SyncDelivers", test: syncDelivers},
		{name: "SyncAfterTheEnd", test: syncAfterTheEnd},
		{name: "SyncOfTheSilent", test: syncOfTheSilent},
		{name: "SyncEndsWithContext", test: syncEndsWithContext},
	}
}

func outputIsSeparate(r *rig) {
	c := sandbox.Command{Path: "/bin/sh", Args: []string{"-c", "echo out; echo err >&2"}}
	p := r.start(r.bound(), c)
	if r.exit(p); p.stdout.String() != "out\n" || p.stderr.String() != "err\n" {
		r.Errorf("stdout = %q, stderr = %q", p.stdout, p.stderr)
	}
}

func outputIsWholeAtDone(r *rig) {
	const size = 1 << 20
	p := r.start(r.bound(), probe("output", fmt.Sprint(size)))
	if r.exit(p); len(p.stdout.String()) != size || len(p.stderr.String()) != size {
		r.Errorf("%d and %d bytes arrived, want %d", len(p.stdout.String()), len(p.stderr.String()), size)
	}
}

// slow is a writer that takes its time.
type slow struct{ *buffer }

// Write implements io.Writer.
func (s slow) Write(p []byte) (int, error) {
	time.Sleep(10 * time.Millisecond)
	return s.buffer.Write(p)
}

func outputIsWholeForTheSlow(r *rig) {
	const size = 100_000 // more than a pipe holds
	c, out := probe("output", fmt.Sprint(size)), newBuffer()
	c.Stdout = slow{out}
	p, err := r.bound().Run(r.ctx(), c)
	if err != nil {
		r.Fatalf("Run: %v", err)
	}
	<-p.Done()
	if len(out.String()) != size {
		r.Errorf("at Done %d bytes of %d have arrived", len(out.String()), size)
	}
}

func outputMayBeUnwanted(r *rig) {
	p, err := r.bound().Run(r.ctx(), probe("output", fmt.Sprint(1<<20)))
	if err != nil {
		r.Fatalf("Run: %v", err)
	}
	if e := r.exit(&running{Process: p, stdout: newBuffer(), stderr: newBuffer()}); e != (sandbox.Exit{}) {
		r.Errorf("exit = %+v", e)
	}
}

func outputOfDescendants(r *rig) {
	p := r.start(r.bound(), probe("detach", "keep", "output", "3"))
	r.waitFor(p, "xxx")
}

// refuser is a writer that takes nothing.
type refuser struct{}

func (refuser) Write([]byte) (int, error) { return 0, fmt.Errorf("the disk is full") }

func refusedOutputIsDropped(r *rig) {
	c := probe("output", fmt.Sprint(1<<20))
	c.Stdout = refuser{}
	p, err := r.bound().Run(r.ctx(), c)
	if err != nil {
		r.Fatalf("Run: %v", err)
	}
	if e := r.exit(&running{Process: p, stdout: newBuffer(), stderr: newBuffer()}); e != (sandbox.Exit{}) {
		r.Errorf("a command suffers from its log: exit = %+v", e)
	}
}

// doneDoesNotWaitForOrphans: a detached child that keeps stdout open is not the process.
func doneDoesNotWaitForOrphans(r *rig) {
	p := r.start(r.bound(), probe("detach", "leave", "sleep"))
	if e := r.exit(p); e != (sandbox.Exit{}) || !strings.Contains(p.stdout.String(), "detached") {
		r.Errorf("exit = %+v, printed %q", e, p.stdout)
	}
}

func syncDelivers(r *rig) {
	const count = 2000
	box := r.bound()
	p := r.stream(box, "lines", fmt.Sprint(count))
	conn := r.open(box)
	r.expect(conn, "printed\n")
	if err := p.Sync(r.ctx()); err != nil {
		r.Fatalf("Sync: %v", err)
	}
	out, err := strings.Count(p.stdout.String(), "\n"), strings.Count(p.stderr.String(), "\n")
	if out != count || err != count {
		r.Errorf("after Sync %d and %d lines are there, want %d", out, err, count)
	}
}

func syncAfterTheEnd(r *rig) {
	p := r.start(r.bound(), probe("exit", "0"))
	r.exit(p)
	if err := p.Sync(r.ctx()); err != nil {
		r.Errorf("Sync after the end: %v", err)
	}
}

func syncOfTheSilent(r *rig) {
	p := r.start(r.bound(), probe("sleep"))
	for range 3 {
		if err := p.Sync(r.ctx()); err != nil {
			r.Errorf("Sync: %v", err)
		}
	}
}

// stuck is a writer that waits until it is released.
type stuck struct{ entered, release chan struct{} }

// Write implements io.Writer.
func (s stuck) Write(p []byte) (int, error) {
	select {
	case s.entered <- struct{}{}:
	case <-s.release:
	}
	<-s.release
	return len(p), nil
}

func syncEndsWithContext(r *rig) {
	w := stuck{entered: make(chan struct{}), release: make(chan struct{})}
	c := probe("output", "10")
	c.Stdout = w
	p, err := r.bound().Run(r.ctx(), c)
	if err != nil {
		r.Fatalf("Run: %v", err)
	}
	defer close(w.release)
	<-w.entered
	ctx, cancel := context.WithTimeoutCause(r.ctx(), 4*shortWhile, errCaller)
	defer cancel()
	r.want("Sync with a stuck writer", p.Sync(ctx), errCaller)
}
