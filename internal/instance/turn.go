package instance

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/time/rate"

	"lambent.dev/lambent/internal/sandbox"
)

// A function's turns on the CPUs follow from how long its invocations compute, so that those that
// would soon be done do not wait for those that will not. One that computes for a short time has short
// slices: when a request wakes it beside others it runs at once. One that computes for long has long
// slices: the scheduler looks at the clock every few milliseconds only, so with the usual slices those
// that compute are always overdue, and whoever wakes up waits until they have had their turn. Slices do
// not change shares. But many who compute leave each other too little for a function that is asked
// often, even though that is done in no time; so one that computes briefly, and rarely, is ahead.

const (
	shortSlice = 100 * time.Microsecond // the least that Linux has
	// longSlice is six ticks of a kernel that has 250 a second. More brings those that are short no
	// more, and those that are long wait longer for their turn (docs/performance.md).
	longSlice = 24 * time.Millisecond

	// An invocation that computes for less than shortWork at the mean is short, and no more from
	// notShort on; from longWork on it is long, and no more below notLong.
	shortWork, notShort = 2 * time.Millisecond, 4 * time.Millisecond
	notLong, longWork   = 25 * time.Millisecond, 50 * time.Millisecond
	// A mean is of turnAfter invocations, or of fewSlow where they come more slowly than that many in
	// lookAfter; fewer are enough for one that is long already.
	turnAfter, fewSlow = 16, 4

	// lookAfter is how long an invocation runs before its turn is thought of without waiting for its end,
	// and how often after that.
	lookAfter = 100 * time.Millisecond

	// A short one is ahead while it uses less than a quarter of a CPU, and all that are ahead
	// together less than half of the host's, so that the others have the rest.
	aheadPart    = 4
	aheadAllPart = 2
)

// newAheadBudget is what all instances that are ahead may use together, in microseconds of CPU time.
func newAheadBudget() *rate.Limiter {
	perSecond := runtime.NumCPU() * int(time.Second/time.Microsecond) / aheadAllPart
	return rate.NewLimiter(rate.Limit(perSecond), perSecond)
}

// work is what an instance computed for invocations since its turn was last thought of.
type work struct {
	since time.Time
	begun uint64        // invocations before
	cpu   time.Duration // before
	turn  sandbox.Turn
}

// slice is the one that the box should have; not known before enough has been seen.
func (w work) slice(begun uint64, cpu time.Duration) (_ time.Duration, known bool) {
	n, used := begun-w.begun, cpu-w.cpu
	if !w.enough(n, used) {
		return 0, false
	}
	short, long := shortWork, longWork
	switch w.turn.Slice {
	case shortSlice:
		short = notShort
	case longSlice:
		long = notLong
	}
	switch mean := used / time.Duration(max(n, 1)); {
	case mean < short:
		return shortSlice, true
	case mean >= long:
		return longSlice, true
	}
	return 0, true
}

// enough says whether so many invocations, which used so much, tell what is usual.
func (w work) enough(n uint64, used time.Duration) bool {
	return n >= turnAfter || used >= longWork || n >= fewSlow && time.Since(w.since) >= lookAfter
}

// watchTurn has the turn thought of again while invocations run on: what computes for minutes is to be
// long, and not ahead, before it ends. Many that follow each other share one timer. Preconditions:
// gauge.mu is held.
func (i *Instance) watchTurn() {
	g := &i.gauge
	if _, ok := i.box.(sandbox.Scheduled); !ok || g.watched {
		return
	}
	g.watched = true
	time.AfterFunc(lookAfter, i.lookAtTurn) // ends with the invocations
}

func (i *Instance) lookAtTurn() {
	g := &i.gauge
	g.mu.Lock()
	defer g.mu.Unlock()
	g.watched = false
	if g.running == 0 {
		return
	}
	cpu, ok := i.cpu()
	if !ok {
		return
	}
	i.settleTurn(context.Background(), cpu)
	i.watchTurn()
}

// settleTurn gives the box the turn that fits its invocations, which have used so much CPU time so far.
// A box that cannot have it goes on as it is. Preconditions: gauge.mu is held.
func (i *Instance) settleTurn(ctx context.Context, cpu time.Duration) {
	box, ok := i.box.(sandbox.Scheduled)
	if !ok {
		return
	}
	g := &i.gauge
	slice, known := g.work.slice(g.begun, cpu)
	if !known {
		return
	}
	now := time.Now()
	before, turn := g.work, sandbox.Turn{Slice: slice}
	turn.Ahead = slice == shortSlice && i.mayBeAhead(now, cpu-before.cpu, now.Sub(before.since))
	g.work = work{since: now, begun: g.begun, cpu: cpu, turn: turn}
	if turn == before.turn {
		return
	}
	if err := box.SetTurn(ctx, turn); err != nil && i.Err() == nil {
		i.deps.Log.Debug("an instance keeps its turn", "instance", i.id, "wanted", turn, "error", err)
	}
}

// mayBeAhead says whether an instance that used so much CPU time in so long uses little, and whether
// there is room for it among those that are ahead.
func (i *Instance) mayBeAhead(now time.Time, used, took time.Duration) bool {
	return used < took/aheadPart && i.aheadBudget.AllowN(now, int(used.Microseconds()))
}
