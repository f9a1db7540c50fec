package bench

import (
	"context"
	"sync"
	"time"
)

const (
	// takenEvery is how often it is looked at: the kernel counts in ticks of 10 ms.
	takenEvery = 10 * time.Millisecond
	tickLasts  = 10 * time.Millisecond
	// takenTicks are a freeze: single ticks are lost all the time.
	takenTicks = 2
	// whileTaken is the kind of samples under way in a freeze: rows of their own.
	whileTaken = "while a CPU was taken"
)

// taken knows when the hypervisor took a CPU away for long. A cap on what a virtual machine may use shows as
// freezes of a tenth of a second, and only while all of its CPUs are busy: beside burners, and not alone.
type taken struct {
	ends context.CancelCauseFunc
	done sync.WaitGroup

	mu  sync.Mutex // guards what follows
	all []period
}

// period is a stretch of time.
type period struct{ from, to time.Time }

func watchTaken(ctx context.Context) *taken {
	ctx, cancel := context.WithCancelCause(ctx)
	t := &taken{ends: cancel}
	t.done.Go(func() { t.watch(ctx) })
	return t
}

func (t *taken) watch(ctx context.Context) {
	tick := time.NewTicker(takenEvery)
	defer tick.Stop()
	last, at := conditionsNow().steal, time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			steal, now := conditionsNow().steal, time.Now()
			t.note(at, now, steal-last)
			last, at = steal, now
		}
	}
}

// note takes the ticks that were counted between two looks. The kernel counts them when the CPU is
// back, so they lie before.
func (t *taken) note(from, to time.Time, ticks float64) {
	if ticks < takenTicks {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, period{from.Add(-time.Duration(ticks) * tickLasts), to})
}

// tell gives the samples of an open loop that were under way in a freeze their kind.
func (t *taken) tell(some []sample) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range some {
		for _, p := range t.all {
			if some[i].meant.Before(p.to) && some[i].meant.Add(some[i].took).After(p.from) {
				some[i].kind = whileTaken
			}
		}
	}
}

// end stops watching.
func (t *taken) end() { t.ends(nil); t.done.Wait() }
