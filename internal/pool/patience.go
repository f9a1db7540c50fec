package pool

import "time"

// A request that finds no instance has the choice to start one or to wait for one that
// becomes free. It waits where that is expected to be sooner, by what its group has
// measured; where nothing was measured it starts.
//
// Expectations fail. So a request waits without a start for no longer than a start is
// expected to take, and starts then: whatever the others do, it waits for at most twice
// what the better choice would have cost. (The rule of the ski-rental problem: Karlin,
// Manasse, Rudolph, Sleator, "Competitive snoopy caching", 1988.)
//
// Nothing is expected of a request that runs longer than all that were measured, unless so
// many were that this is odd: then the machine has stood still for all of them more often than
// the function does something new, and what is started then makes them wait longer. So a
// request waits for a moment, a share of a start, before it begins one.
const momentShare = 4

// patient is how many of the requests that wait need no start: those whose time is not up,
// and that instances in use are expected to take before. Preconditions: mu is held.
func (g *group) patient() int {
	start, known := g.pace.start()
	if !known {
		return 0
	}
	now, n, fresh := time.Now(), 0, 0
	for _, w := range g.waiters {
		if age := now.Sub(w.since); age < w.review {
			n++
			if age < w.moment() {
				fresh++
			}
		}
	}
	if n == 0 {
		return 0
	}
	return g.pace.sooner(start, now, n, fresh)
}

// patience is for how long a request may wait without a start, 0 where that is not known.
func (g *group) patience() time.Duration {
	start, _ := g.pace.start()
	return start
}

// moment is for how long a request waits for one that is overdue.
func (w *waiter) moment() time.Duration { return w.review / momentShare }

// patienceEnds tells when a request is to look again first, never if it need not.
func (w *waiter) patienceEnds() *time.Timer {
	t := time.NewTimer(w.moment())
	if w.review == 0 {
		t.Stop()
	}
	return t
}

// reconsider begins the starts that are needed now that a moment or a request's patience has
// ended, and has it look again when the other does.
func (g *group) reconsider(w *waiter, review *time.Timer) {
	if left := w.review - time.Since(w.since); left > 0 {
		review.Reset(left)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.provision()
}
