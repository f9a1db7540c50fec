package sandboxtest

import (
	"os"

	"lambent.dev/lambent/internal/sandbox"
)

func resetFacts() []fact {
	return []fact{
		{name: "ResetEndsTheCommand", test: resetEndsTheCommand},
		{name: "ResetEndsWhatDetachedItself", test: resetEndsWhatDetachedItself},
		{name: "ResetEndsOrphans", test: resetEndsOrphans},
		{name: "ResetKeepsTmp", test: resetKeepsTmp},
		{name: "ResetKeepsMounts", test: resetKeepsMounts},
		{name: "ResetClosesStreams", test: resetClosesStreams},
		{name: "ResetThenRunAndOpen", test: resetThenRunAndOpen},
		{name: "ResetTwice", test: resetTwice},
		{name: "ResetOfTheIdle", test: resetOfTheIdle},
		{name: "ResetIsOverWhenItReturns", test: resetIsOver},
		{name: "ResetKeepsTheBox", test: resetKeepsTheBox},
		{name: "ResetManyTimes", test: resetManyTimes},
		{name: "ResetEndsWithContext", test: resetEndsWithContext},
	}
}

func (r *rig) reset(box sandbox.Sandbox) {
	r.Helper()
	if err := box.Reset(r.ctx()); err != nil {
		r.Fatalf("Reset: %v", err)
	}
}

func resetEndsTheCommand(r *rig) {
	box := r.bound()
	p := r.start(box, probe("sleep"))
	r.reset(box)
	if e := r.exit(p); !killed(e) || e.OutOfMemory {
		r.Errorf("exit = %+v, want SIGKILL", e)
	}
}

// beats says whether a descendant that writes to /tmp/beat lives.
func (r *rig) beats(box sandbox.Sandbox) bool {
	r.Helper()
	before := printed[string](r, box, "read", "/tmp/beat")
	r.output(box, "nap", "30")
	return len(printed[string](r, box, "read", "/tmp/beat")) > len(before)
}

// beating starts a descendant in a session of its own, and checks that it lives.
func (r *rig) beating(box sandbox.Sandbox, how string) {
	r.Helper()
	p := r.start(box, probe("detach", how, "beat", "/tmp/beat"))
	r.waitFor(p, "detached")
	r.eventually("the descendant writes", func() bool { return r.attempt(box, "read-file", "/tmp/beat").OK })
	if !r.beats(box) {
		r.Fatal("the descendant does not live before the reset")
	}
}

func resetEndsWhatDetachedItself(r *rig) {
	box := r.bound()
	r.beating(box, "keep")
	r.reset(box)
	if r.beats(box) {
		r.Error("a detached descendant outlived Reset")
	}
}

func resetEndsOrphans(r *rig) {
	box := r.bound()
	r.beating(box, "leave")
	r.reset(box)
	if r.beats(box) {
		r.Error("an orphan outlived Reset")
	}
}

func resetKeepsTmp(r *rig) {
	box := r.bound()
	r.output(box, "write", "/tmp/file", "0", "kept")
	r.reset(box)
	if got := printed[string](r, box, "read", "/tmp/file"); got != "kept" {
		r.Errorf("/tmp/file has %q", got)
	}
}

func resetKeepsMounts(r *rig) {
	box := r.bound()
	r.reset(box)
	if got := printed[string](r, box, "read", "/var/task/code.txt"); got != "the code" {
		r.Errorf("the code is %q", got)
	}
}

func resetClosesStreams(r *rig) {
	box := r.bound()
	r.stream(box, "echo")
	conn := r.open(box)
	r.speak(conn)
	r.reset(box)
	r.expectEnd(conn)
}

func resetThenRunAndOpen(r *rig) {
	box := r.bound()
	r.stream(box, "echo")
	r.speak(r.open(box))
	r.reset(box)
	if _, err := box.Open(r.ctx()); err == nil {
		r.Error("Open found a command after Reset")
	}
	r.stream(box, "echo")
	r.speak(r.open(box))
}

func resetTwice(r *rig) {
	box := r.bound()
	r.start(box, probe("sleep"))
	r.reset(box)
	r.reset(box)
	r.output(box, "exit", "0")
}

func resetOfTheIdle(r *rig) {
	box := r.bound()
	r.reset(box)
	r.output(box, "exit", "0")
}

// resetIsOver: the processes are gone, their ends known, when Reset returns.
func resetIsOver(r *rig) {
	box := r.bound()
	p := r.start(box, probe("sleep"))
	r.reset(box)
	r.want("Signal after Reset", p.Signal(os.Interrupt), os.ErrProcessDone)
}

func resetKeepsTheBox(r *rig) {
	box := r.bound()
	r.start(box, probe("sleep"))
	r.reset(box)
	select {
	case <-box.Done():
		r.Errorf("the box ended with its processes: %v", box.Err())
	case <-after(shortWhile):
	}
	if err := box.Err(); err != nil {
		r.Errorf("Err = %v", err)
	}
	r.want("Bind after Reset", box.Bind(r.ctx(), r.workload()), sandbox.ErrBound)
}

func resetManyTimes(r *rig) {
	box := r.bound()
	for range 10 {
		r.stream(box, "echo")
		r.speak(r.open(box))
		r.reset(box)
	}
}

func resetEndsWithContext(r *rig) {
	r.want("Reset with a cancelled context", r.bound().Reset(r.cancelled()), errCaller)
}
