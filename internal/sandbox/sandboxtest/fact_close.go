package sandboxtest

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"lambent.dev/lambent/internal/sandbox"
)

func closeFacts() []fact {
	return []fact{
		{name: "CloseTwice", test: closeTwice},
		{name: "CloseOfTheUnbound", test: closeOfTheUnbound},
		{name: "CloseAfterAFailedBind", test: closeAfterAFailedBind},
		{name: "CloseEndsProcesses", test: closeEndsProcesses},
		{name: "CloseEndsWhatDetachedItself", test: closeEndsWhatDetachedItself, needs: hostSees},
		{name: "CloseEndsStreams", test: closeEndsStreams},
		{name: "CloseFreesTmp", test: closeFreesTmp},
		{name: "CloseMayBeTriedAgain", test: closeMayBeTriedAgain},
		{name: "DoneAndErrBeforeClose", test: doneAndErrBefore},
		{name: "DoneAndErrAfterClose", test: doneAndErrAfter},
		{name: "EverythingFailsAfterClose", test: everythingFailsAfterClose},
		{name: "EverythingFailsAfterCloseUnbound", test: everythingFailsAfterCloseUnbound},
		{name: "OneBoxDoesNotTouchAnother", test: oneBoxDoesNotTouchAnother},
		{name: "BoxThatDiesSaysSo", test: boxThatDiesSaysSo, needs: isolates},
	}
}

func closeTwice(r *rig) {
	box := r.bound()
	r.close(box)
	r.close(box)
}

func closeOfTheUnbound(r *rig) { r.close(r.generic()) }

func closeAfterAFailedBind(r *rig) {
	box := r.generic()
	w := r.workload()
	w.Mounts = append(w.Mounts, sandbox.Mount{Source: "/no/such/folder", Target: "/opt"})
	if err := box.Bind(r.ctx(), w); err == nil {
		r.Fatal("Bind took a folder that does not exist")
	}
	r.close(box)
}

func closeEndsProcesses(r *rig) {
	box := r.bound()
	p := r.start(box, probe("sleep"))
	r.close(box)
	if e := r.exit(p); !killed(e) {
		r.Errorf("exit = %+v, want SIGKILL", e)
	}
	r.want("Signal after Close", p.Signal(os.Interrupt), os.ErrProcessDone)
	if err := p.Sync(r.ctx()); err != nil {
		r.Errorf("Sync after Close: %v", err)
	}
}

func closeEndsWhatDetachedItself(r *rig) {
	box := r.bound()
	r.beating(box, "leave")
	if alive := beating(r); len(alive) != 1 {
		r.Fatalf("before Close the host sees %q", alive)
	}
	r.close(box)
	if alive := beating(r); len(alive) > 0 {
		r.Errorf("alive after Close: %q", alive)
	}
}

// beating lists the processes of the host that rig.beating made.
func beating(r *rig) []string {
	return slices.DeleteFunc(Take(r, "").processes(), func(p string) bool { return !strings.Contains(p, "beat /") })
}

func closeEndsStreams(r *rig) {
	box := r.bound()
	r.stream(box, "echo")
	conn := r.open(box)
	r.speak(conn)
	r.close(box)
	r.expectEnd(conn)
}

func closeFreesTmp(r *rig) {
	box := r.bound()
	before := Take(r, r.config.Dir)
	r.output(box, "write", "/tmp/a-file-of-the-box", "1")
	r.close(box)
	if added := Take(r, r.config.Dir).filesNotIn(before); len(added) > 0 {
		r.Errorf("left after Close: %q", added)
	}
}

// closeMayBeTriedAgain: Close that was cut short is completed by the next one.
func closeMayBeTriedAgain(r *rig) {
	box := r.bound()
	r.start(box, probe("sleep"))
	if err := box.Close(r.cancelled()); err != nil && !errors.Is(err, errCaller) {
		r.Errorf("Close with a cancelled context: %v", err)
	}
	r.close(box)
	<-box.Done()
}

func doneAndErrBefore(r *rig) {
	box := r.bound()
	select {
	case <-box.Done():
		r.Error("a living box is done")
	default:
	}
	if err := box.Err(); err != nil {
		r.Errorf("Err of a living box = %v", err)
	}
}

func doneAndErrAfter(r *rig) {
	box := r.bound()
	r.close(box)
	select {
	case <-box.Done():
	default:
		r.Error("Done is not closed after Close")
	}
	r.want("Err after Close", box.Err(), sandbox.ErrClosed)
}

func everythingFailsAfterClose(r *rig) {
	box := r.bound()
	r.close(box)
	r.allClosed(box)
}

func everythingFailsAfterCloseUnbound(r *rig) {
	box := r.generic()
	r.close(box)
	r.allClosed(box)
}

func (r *rig) allClosed(box sandbox.Sandbox) {
	r.Helper()
	for name, err := range r.all(box) {
		r.want(name+" after Close", err, sandbox.ErrClosed)
	}
}

func oneBoxDoesNotTouchAnother(r *rig) {
	one, two := r.bound(), r.bound()
	p := r.start(two, probe("sleep"))
	r.reset(one)
	r.close(one)
	select {
	case <-p.Done():
		r.Errorf("another box's process ended: %+v", p.Exit())
	case <-after(shortWhile):
	}
}

// boxThatDiesSaysSo kills everything of a box from the host, its init included.
func boxThatDiesSaysSo(r *rig) {
	id := r.id()
	box := r.create(id)
	if err := box.Bind(r.ctx(), r.workload()); err != nil {
		r.Fatalf("Bind: %v", err)
	}
	p := r.start(box, probe("sleep"))
	r.killFromOutside(id)
	select {
	case <-box.Done():
	case <-after(opTimeout):
		r.Fatal("a dead box is not done")
	}
	if box.Err() == nil {
		r.Error("a dead box has no error")
	}
	if e := r.exit(p); !killed(e) {
		r.Errorf("exit = %+v, want SIGKILL", e)
	}
	r.allClosed(box)
}

// killFromOutside kills the host's processes that belong to a box by their control group or
// their command line.
func (r *rig) killFromOutside(id string) {
	r.Helper()
	ours, err := ourProcesses()
	if err != nil {
		r.Fatal(err)
	}
	found := false
	for pid, line := range ours {
		group, _ := os.ReadFile("/proc/" + pid + "/cgroup") // it may have ended
		if !strings.Contains(string(group)+line, id) {
			continue
		}
		found = true
		number, _ := strconv.Atoi(pid)            // listed as a number
		_ = syscall.Kill(number, syscall.SIGKILL) // it may have died with its init
	}
	if !found {
		r.Fatalf("no process of the host belongs to box %s", id)
	}
}
