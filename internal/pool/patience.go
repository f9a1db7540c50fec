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

// patient is how many of the requests that wait need no start: those whose time is not up,
// and that instances in use are expected to take before. Preconditions: mu is held.
func (g *group) patient() int {
	start, known := g.pace.start()
	if !known {
		return 0
	}
	now, n := time.Now(), 0
	for _, w := range g.waiters {
		if w.review > 0 && now.Sub(w.since) < w.review {
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return g.pace.sooner(start, now, n)
}

// patience is for how long a request may wait without a start, 0 where that is not known.
func (g *group) patience() time.Duration {
	start, _ := g.pace.start()
	return start
}

// patienceEnds is when a request is to look again, nil if it need not.
func (w *waiter) patienceEnds() (<-chan time.Time, func() bool) {
	if w.review == 0 {
		return nil, func() bool { return false }
	}
	t := time.NewTimer(w.review)
	return t.C, t.Stop
}

// reconsider begins the starts that are needed now that a request's patience has ended.
func (g *group) reconsider() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.provision()
}
