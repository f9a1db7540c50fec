package instance

import (
	"context"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

// A function whose invocations compute for a short time is given short slices of the CPU: when a
// request wakes it beside others that compute for long it runs at once, where it would wait until
// each of them has had its slice. Its share does not change, nor do the others'. One that computes
// for long keeps the kernel's slice; short ones would only make it switch more often.

const (
	shortSlice = 100 * time.Microsecond // the least that Linux has

	// An invocation that computes for less than shortWork at the mean is short, and no more from
	// longWork on.
	shortWork = 2 * time.Millisecond
	longWork  = 4 * time.Millisecond
	// sliceAfter is how many invocations a mean is of, at least where it is not long already.
	sliceAfter = 16
)

// work is what an instance computed for invocations since its slice was last thought of.
type work struct {
	begun uint64        // invocations before
	cpu   time.Duration // before
	short bool          // the slice is
}

// isShort says which slice the box should have.
func (w work) isShort(begun uint64, cpu time.Duration) (short, known bool) {
	n, used := begun-w.begun, cpu-w.cpu
	if n < sliceAfter && used < sliceAfter*longWork {
		return w.short, false
	}
	limit := shortWork
	if w.short {
		limit = longWork
	}
	return used < time.Duration(n)*limit, true
}

// settleSlice gives the box the slice that fits its invocations. A box that cannot have it goes on as
// it is. Preconditions: gauge.mu is held.
func (i *Instance) settleSlice(ctx context.Context) {
	box, ok := i.box.(sandbox.Sliced)
	if !ok {
		return
	}
	g := &i.gauge
	short, known := g.work.isShort(g.begun, g.last.CPU)
	if !known {
		return
	}
	changed := short != g.work.short
	g.work = work{begun: g.begun, cpu: g.last.CPU, short: short}
	if !changed {
		return
	}
	var slice time.Duration // the kernel's own
	if short {
		slice = shortSlice
	}
	if err := box.SetSlice(ctx, slice); err != nil && i.Err() == nil {
		i.deps.Log.Debug("an instance keeps its slice", "instance", i.id, "wanted", slice, "error", err)
	}
}
