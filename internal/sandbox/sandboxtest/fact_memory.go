package sandboxtest

import (
	"strings"

	"lambent.dev/lambent/internal/sandbox"
)

// beyondMemory is more than any tier may lend a box at its limit, in MiB: a command that asks for
// as much ends for lack of memory however late it is killed.
const beyondMemory = "600"

// memoryFacts are for boxes that do not outlive their memory limit: the ends of the command and
// of the box must both say why.
func memoryFacts() []fact {
	return []fact{
		{name: "OutOfMemoryEndsTheBox", test: outOfMemoryEndsTheBox, needs: diesOfMemory},
		{name: "OutOfMemoryOfAChildEndsTheBox", test: outOfMemoryOfAChildEndsTheBox, needs: diesOfMemory},
		{name: "OutOfMemoryDoesNotTouchAnother", test: outOfMemoryDoesNotTouchAnother, needs: limits},
	}
}

func outOfMemoryEndsTheBox(r *rig) {
	box := r.bound()
	if e := r.exit(r.start(box, probe("alloc", beyondMemory))); !killed(e) || !e.OutOfMemory {
		r.Errorf("exit = %+v, want SIGKILL for lack of memory", e)
	}
	r.diedOfMemory(box)
}

func outOfMemoryOfAChildEndsTheBox(r *rig) {
	box := r.bound()
	if e := r.exit(r.start(box, probe("memory-crowd", "1", beyondMemory))); !killed(e) || !e.OutOfMemory {
		r.Errorf("exit = %+v, want SIGKILL for lack of memory", e)
	}
	r.diedOfMemory(box)
}

func (r *rig) diedOfMemory(box sandbox.Sandbox) {
	r.Helper()
	select {
	case <-box.Done():
	case <-after(opTimeout):
		r.Fatal("the box lives")
	}
	if err := box.Err(); err == nil || !strings.Contains(err.Error(), "out of memory") {
		r.Errorf("Err = %v, want the lack of memory", err)
	}
	r.allClosed(box)
}

func outOfMemoryDoesNotTouchAnother(r *rig) {
	one, two := r.bound(), r.bound()
	r.exit(r.start(one, probe("alloc", beyondMemory)))
	r.output(two, "exit", "0")
}
