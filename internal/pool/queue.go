package pool

import (
	"context"
	"slices"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// startAttempts is how many failed starts one request bears before it gets the error.
const startAttempts = 2

// waiter is a request without an instance. It is in group.waiters until it gets a
// lease or gives up, never both: group.mu decides.
type waiter struct {
	target   *lambda.Target
	class    lambda.Class
	since    time.Time
	review   time.Duration // how long it may wait without a start; 0 = not at all
	why      string        // why it was not warm, if it gets a fresh instance
	failures int           // starts that failed at its cost
	got      chan lease    // buffered: the giver never waits
}

// enqueue adds a request to the queue and begins the start that it may need.
// Preconditions: mu is held.
func (g *group) enqueue(target *lambda.Target, class lambda.Class) (*waiter, error) {
	if len(g.waiters) >= g.pool.settings.QueueLimit {
		return nil, throttled(errQueueFull, g.pace.drain(len(g.waiters)))
	}
	w := &waiter{target: target, class: class, since: time.Now(), review: g.patience(), why: g.why() + g.whyNoSnapshot(), got: make(chan lease, 1)}
	g.waiters = slices.Insert(g.waiters, g.turnOf(class), w)
	g.provision()
	return w, nil
}

// turnOf is where a new request of a class goes: the latency class never waits behind the
// batch class. Preconditions: mu is held.
func (g *group) turnOf(class lambda.Class) int {
	if class != lambda.ClassLatency {
		return len(g.waiters)
	}
	first := slices.IndexFunc(g.waiters, func(w *waiter) bool { return w.class == lambda.ClassBatch })
	if first < 0 {
		return len(g.waiters)
	}
	return first
}

// why says why a request met no idle instance. Preconditions: mu is held.
func (g *group) why() string {
	if spilt := g.spilt(); spilt != "" {
		return spilt
	}
	if g.busy+len(g.starts) > 0 {
		return whyBusy(g.busy, len(g.starts))
	}
	if len(g.idle) > g.waiting() { // none of them lives, or the request would have one
		return whyEnded
	}
	return g.past
}

// await returns what the request gets, or gives up when ctx ends, the pool is stopped,
// or no start is under way for it when its time is up.
func (g *group) await(ctx context.Context, w *waiter) (lease, error) {
	timer := time.NewTimer(g.pool.settings.QueueTimeout)
	defer timer.Stop()
	review := w.patienceEnds()
	defer review.Stop()
	for {
		select {
		case l := <-w.got:
			return l, l.err
		case <-ctx.Done():
			return lease{}, g.abandon(w, context.Cause(ctx))
		case <-g.pool.ctx.Done():
			return lease{}, g.abandon(w, failed(context.Cause(g.pool.ctx)))
		case <-review.C:
			g.reconsider(w, review)
		case <-timer.C:
			if g.expire(w) {
				return lease{}, throttled(errQueueTimeout, g.pace.drain(1))
			}
			timer.Reset(g.pool.settings.QueueTimeout)
		}
	}
}

// abandon takes the request out of the queue; an instance that it got meanwhile goes
// to the next.
func (g *group) abandon(w *waiter, cause error) error {
	g.mu.Lock()
	waiting := g.remove(w)
	g.unlock()
	if waiting {
		return cause
	}
	if l := <-w.got; l.member != nil {
		g.release(l.member, l.unused())
	}
	return cause
}

// expire takes the request out of the queue unless an instance is being launched for
// it: launches are bounded, so waiting for one is too.
func (g *group) expire(w *waiter) bool {
	g.mu.Lock()
	defer g.unlock()
	return slices.Index(g.waiters, w) >= g.launching()*g.slots() && g.remove(w)
}

// launching counts the starts that have their memory. Preconditions: mu is held.
func (g *group) launching() (n int) {
	for _, m := range g.starts {
		if m.funded {
			n++
		}
	}
	return n
}

// answer gives a waiter its lease. Preconditions: mu is held, w is in the queue.
func (g *group) answer(w *waiter, l lease) {
	g.remove(w)
	w.got <- l
}

// remove takes a waiter out of the queue; false if it is not there. Preconditions: mu
// is held.
func (g *group) remove(w *waiter) bool {
	i := slices.Index(g.waiters, w)
	if i < 0 {
		return false
	}
	g.waiters = slices.Delete(g.waiters, i, i+1)
	g.callOff()
	return true
}

// provision begins the starts that the waiting requests need. Preconditions: mu is held.
func (g *group) provision() {
	for needed := g.startsFor(len(g.waiters)); len(g.starts) < needed && context.Cause(g.pool.ctx) == nil; {
		g.begin(g.waiters[len(g.starts)].target)
	}
}

// callOff ends starts that no request needs and that have no memory yet, the youngest
// first. Preconditions: mu is held.
func (g *group) callOff() {
	for i, m := range slices.Backward(g.starts) {
		if len(g.starts) <= g.startsFor(len(g.waiters)) {
			return
		}
		if !m.funded {
			g.starts = slices.Delete(g.starts, i, i+1)
			m.cancel(errNotNeeded)
		}
	}
}

// fund notes that a start has its memory; false if it was called off.
func (g *group) fund(m *member) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	m.funded = slices.Contains(g.starts, m) || slices.Contains(g.snapshots.starts, m) || g.wanted(m)
	return m.funded
}

// arrive takes in an instance that was started.
func (g *group) arrive(m *member) {
	g.mu.Lock()
	defer g.unlock()
	g.forgetStart(m)
	g.used = true
	g.offer(m)
	g.refill()
}

// fail takes in that a start failed. The first waiter bears it; it and the others go
// on with new starts.
func (g *group) fail(m *member, err error) {
	g.mu.Lock()
	defer g.unlock()
	if g.forgetStart(m) && len(g.waiters) > 0 {
		g.blame(g.waiters[0], err)
	}
	g.provision()
}

// blame charges a failed start to a waiter. Preconditions: mu is held.
func (g *group) blame(w *waiter, err error) {
	w.failures++
	if e, ok := final(err); ok {
		g.answer(w, lease{err: e})
	} else if w.failures >= startAttempts {
		g.answer(w, lease{err: failed(err)})
	}
}

// forgetStart removes a start from the list; false if it was called off.
// Preconditions: mu is held.
func (g *group) forgetStart(m *member) bool {
	i := slices.Index(g.starts, m)
	if i >= 0 {
		g.starts = slices.Delete(g.starts, i, i+1)
	}
	return i >= 0
}
