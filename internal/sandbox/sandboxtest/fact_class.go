package sandboxtest

import (
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

func classFacts() []fact {
	classed := func(name string, test func(*rig, sandbox.Sandbox, sandbox.Classed)) fact {
		return fact{name: name, test: func(r *rig) {
			box := r.generic()
			if c, ok := box.(sandbox.Classed); ok {
				test(r, box, c)
			}
		}}
	}
	return []fact{
		classed("ClassNeedsABoundBox", classNeedsABoundBox),
		classed("ClassToAndFro", classToAndFro),
		{name: "TurnNeedsABoundBox", test: turnNeedsABoundBox},
		{name: "TurnOfWhatRuns", test: turnOfWhatRuns},
	}
}

func classNeedsABoundBox(r *rig, box sandbox.Sandbox, c sandbox.Classed) {
	r.want("SetClass before Bind", c.SetClass(r.ctx(), lambda.ClassBatch), sandbox.ErrNotBound)
	r.close(box)
	r.want("SetClass after Close", c.SetClass(r.ctx(), lambda.ClassBatch), sandbox.ErrClosed)
}

// classToAndFro changes the class of a box that runs, and of one that is frozen.
func classToAndFro(r *rig, box sandbox.Sandbox, c sandbox.Classed) {
	w := r.workload()
	w.Class = lambda.ClassBatch
	r.want("Bind", box.Bind(r.ctx(), w), nil)
	for _, class := range []lambda.Class{lambda.ClassLatency, lambda.ClassLatency, lambda.ClassBatch} {
		r.want("SetClass", c.SetClass(r.ctx(), class), nil)
		r.output(box, "exit", "0")
	}
	if f, ok := box.(sandbox.Freezer); ok {
		r.freeze(f)
		r.want("SetClass of a frozen box", c.SetClass(r.ctx(), lambda.ClassLatency), nil)
		r.thaw(f)
		r.output(box, "exit", "0")
	}
}

func turnNeedsABoundBox(r *rig) {
	box := r.generic()
	if s, ok := box.(sandbox.Scheduled); ok {
		r.want("SetTurn before Bind", s.SetTurn(r.ctx(), sandbox.Turn{Slice: time.Millisecond}), sandbox.ErrNotBound)
	}
}

// turnOfWhatRuns changes the turn of a box that runs, and of one that is frozen: it goes on.
func turnOfWhatRuns(r *rig) {
	box := r.bound()
	s, ok := box.(sandbox.Scheduled)
	if !ok {
		return
	}
	r.stream(box, "echo")
	conn := r.open(box)
	for _, turn := range []sandbox.Turn{{Slice: 100 * time.Microsecond, Ahead: true}, {Slice: 100 * time.Millisecond}, {}} {
		r.want("SetTurn", s.SetTurn(r.ctx(), turn), nil)
		r.speak(conn)
	}
	if f, ok := box.(sandbox.Freezer); ok {
		r.freeze(f)
		r.want("SetTurn of a frozen box", s.SetTurn(r.ctx(), sandbox.Turn{Slice: time.Millisecond, Ahead: true}), nil)
		r.thaw(f)
		r.speak(conn)
	}
}
