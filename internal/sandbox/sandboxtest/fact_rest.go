package sandboxtest

import (
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

func restFacts() []fact {
	rests := func(name string, test func(*rig, sandbox.Sandbox, sandbox.Rester)) fact {
		return fact{name: name, test: func(r *rig) {
			box := r.create(r.id())
			if f, ok := box.(sandbox.Rester); ok {
				test(r, box, f)
			}
		}}
	}
	return []fact{
		rests("RestingCostsNothing", restingCostsNothing),
		rests("RestedIsBound", restedIsBound),
		rests("RestingAnswers", restingAnswers),
		rests("CloseOfTheResting", closeOfTheResting),
		rests("RestOfTheBound", restOfTheBound),
	}
}

func (r *rig) rest(f sandbox.Rester) {
	r.Helper()
	if err := f.Rest(r.ctx()); err != nil {
		r.Fatalf("Rest: %v", err)
	}
}

func restingCostsNothing(r *rig, box sandbox.Sandbox, f sandbox.Rester) {
	r.rest(f)
	before := r.usage(box)
	time.Sleep(5 * shortWhile)
	if spent := r.usage(box).CPU - before.CPU; spent > 5*time.Millisecond {
		r.Errorf("a box that rests spent %v of CPU time", spent)
	}
}

func restedIsBound(r *rig, box sandbox.Sandbox, f sandbox.Rester) {
	r.rest(f)
	r.rest(f)
	if err := box.Bind(r.ctx(), r.workload()); err != nil {
		r.Fatalf("Bind: %v", err)
	}
	r.stream(box, "echo")
	r.speak(r.open(box))
}

func restingAnswers(r *rig, box sandbox.Sandbox, f sandbox.Rester) {
	r.rest(f)
	l, err := box.Listen(r.ctx(), "127.0.0.1:9001")
	if err != nil {
		r.Fatalf("Listen: %v", err)
	}
	r.rest(f)
	conn, err := box.Dial(r.ctx(), l.Addr().String())
	if err != nil {
		r.Fatalf("Dial: %v", err)
	}
	_ = conn.Close()
	_ = l.Close()
}

func closeOfTheResting(r *rig, box sandbox.Sandbox, f sandbox.Rester) {
	r.rest(f)
	r.close(box)
	r.want("Rest after Close", f.Rest(r.ctx()), sandbox.ErrClosed)
}

func restOfTheBound(r *rig, box sandbox.Sandbox, f sandbox.Rester) {
	if err := box.Bind(r.ctx(), r.workload()); err != nil {
		r.Fatalf("Bind: %v", err)
	}
	r.rest(f)
	r.output(box, "exit", "0")
}
