package sandboxtest

import "lambent.dev/lambent/internal/sandbox"

func reclaimFacts() []fact {
	reclaims := func(name string, test func(*rig, sandbox.Sandbox, sandbox.Reclaimer)) fact {
		return fact{name: name, test: func(r *rig) {
			box := r.bound()
			if f, ok := box.(sandbox.Reclaimer); ok {
				test(r, box, f)
			}
		}}
	}
	return []fact{
		reclaims("ReclaimedGoesOn", reclaimedGoesOn),
		reclaims("ReclaimOfTheRunning", reclaimOfTheRunning),
		reclaims("ReclaimAfterClose", reclaimAfterClose),
	}
}

func (r *rig) reclaim(f sandbox.Reclaimer) {
	r.Helper()
	if freed, err := f.Reclaim(r.ctx()); err != nil || freed < 0 {
		r.Fatalf("Reclaim: %d bytes, %v", freed, err)
	}
}

func reclaimedGoesOn(r *rig, box sandbox.Sandbox, f sandbox.Reclaimer) {
	r.stream(box, "echo")
	conn := r.open(box)
	r.speak(conn)
	if freezer, ok := box.(sandbox.Freezer); ok {
		r.freeze(freezer)
		defer r.speak(conn)
		defer r.thaw(freezer)
	}
	r.reclaim(f)
	r.reclaim(f)
}

func reclaimOfTheRunning(r *rig, box sandbox.Sandbox, f sandbox.Reclaimer) {
	r.stream(box, "echo")
	conn := r.open(box)
	r.reclaim(f)
	r.speak(conn)
}

func reclaimAfterClose(r *rig, box sandbox.Sandbox, f sandbox.Reclaimer) {
	r.close(box)
	_, _ = f.Reclaim(r.ctx()) // it answers, whatever it is
}
