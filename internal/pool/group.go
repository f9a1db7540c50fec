package pool

import (
	"context"
	"slices"
	"sync"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// group holds the instances of one Key and the requests that wait for them.
type group struct {
	pool *Pool
	key  Key
	pace pace

	mu      sync.Mutex // guards what follows and the states of the members
	kept    bool       // idle instances stay; else they leave when no request waits
	used    bool       // an instance was ready at least once
	past    string     // why there is no instance: what became of the last one
	idle    []*member  // most recently used last
	open    []*member  // busy ones with a free slot, most recently opened last
	thawing int        // free slots of instances that a request has and thaws
	busy    int        // instances
	starts  []*member  // under way, the oldest first
	waiters []*waiter  // the latency class before the batch class, in each first come first
	ahead   ahead
	keeping keeping

	snapshots snapshots
}

// acquire gives the request an instance: one with a free slot or an idle one unless fresh
// is set, else whichever comes first.
func (g *group) acquire(ctx context.Context, target *lambda.Target, class lambda.Class, fresh bool) (lease, error) {
	g.mu.Lock()
	if m := g.take(fresh); m != nil {
		ice, frozen, got := m.ice, m.frozen, g.leaseOf(m)
		if ice == nil && !frozen {
			g.mu.Unlock()
			return got, nil
		}
		g.beginThaw(m)
		g.mu.Unlock()
		return got, m.thaw(ctx, ice)
	}
	w, err := g.enqueue(target, class)
	g.mu.Unlock()
	if err != nil {
		return lease{}, err
	}
	return g.await(ctx, w)
}

// leaseOf is what a request gets that has taken m. Preconditions: mu is held.
func (g *group) leaseOf(m *member) lease {
	if m.snapshot {
		return g.spend(m)
	}
	return lease{member: m, woken: m.woken()}
}

// take takes a slot of a busy instance, or makes the most recently used living idle
// instance busy. Preconditions: mu is held.
func (g *group) take(fresh bool) *member {
	if fresh {
		return nil
	}
	if m := g.takeOpen(); m != nil {
		g.keeping.waited(false)
		return m
	}
	for i, m := range slices.Backward(g.idle) {
		if m.ended() {
			continue // its own goroutine removes it
		}
		g.idle = slices.Delete(g.idle, i, i+1)
		if m.snapshot {
			g.keeping.waited(true) // none that was used before was there
			m.why = g.why()
		} else {
			g.keeping.met(m)
		}
		g.occupy(m)
		return m
	}
	return nil
}

// release takes an instance back from a request; why says what is wrong with it, ""
// that another request may have it.
func (g *group) release(m *member, why string) {
	g.mu.Lock()
	defer g.unlock()
	if why = g.vacate(m, why); m.running > 0 {
		return
	}
	g.busy--
	switch {
	case m.state == leaving: // the pool was closed in a hurry
	case why != "":
		g.leave(m, why)
	case m.ended():
		g.leave(m, whyEnded)
	default:
		g.offer(m)
	}
}

// offer gives an instance that nobody has to the first waiter, keeps it idle, or lets
// it leave. Preconditions: mu is held.
func (g *group) offer(m *member) {
	if len(g.waiters) > 0 {
		g.deliver(m)
		return
	}
	if !g.kept || m.fate == going {
		g.leave(m, whyChanged)
		return
	}
	m.state, m.idleSince = idle, time.Now()
	g.shelve(m)
	if g.pool.settings.FreezeAfter == 0 || g.keepsNothing() || m.snapshot {
		m.nudge()
	}
}

// deliver hands an instance to the first waiters, as many as it takes. Preconditions: mu
// is held, a request waits.
func (g *group) deliver(m *member) {
	fresh := m.state == starting
	for len(g.waiters) > 0 && m.running < m.target.Slots() {
		w := g.waiters[0]
		m.snapshot = false
		g.keeping.waited(fresh && m.running == 0)
		g.occupy(m)
		g.answer(w, lease{member: m, fresh: fresh, why: w.why, since: w.since})
	}
}

// leave makes an instance leave; its goroutine closes it. Preconditions: mu is held;
// m is in no list.
func (g *group) leave(m *member, why string) {
	m.state = leaving
	g.place(m)
	g.past = why
	g.pool.memory.expect(m.memory)
	m.nudge()
	g.lose(m)
}

// leaveUnused is leave for one that no request has had: it says nothing of the others.
// Preconditions: mu is held, m is in no list.
func (g *group) leaveUnused(m *member, why string) {
	past := g.past
	g.leave(m, why)
	g.past = past
}

// dismiss makes an idle instance leave. Preconditions: mu is held, m is idle.
func (g *group) dismiss(m *member, why string) {
	i := slices.Index(g.idle, m)
	g.idle = slices.Delete(g.idle, i, i+1)
	if m.snapshot {
		g.leaveUnused(m, why)
		return
	}
	g.keeping.lost(m)
	g.leave(m, why)
}

// unlock gives up the lock after members or waiters changed and does what then may be
// due, which must not be done under it. Preconditions: mu is held.
func (g *group) unlock() {
	empty := g.forgettable()
	g.mu.Unlock()
	if empty {
		g.pool.sweep(g)
	}
	if g.pool.memory.waiting.Load() > 0 {
		g.pool.reclaim()
	}
}

// forgettable says whether nothing would be lost with the group. The group of a
// current version stays for its history; those of tenants are too many for that.
// Preconditions: mu is held.
func (g *group) forgettable() bool {
	empty := len(g.idle)+g.busy+len(g.starts)+len(g.waiters)+len(g.ahead.members)+len(g.ahead.plans) == 0
	return empty && (!g.kept || g.key.Tenant != "")
}

// forget says again whether the group may go. A request that found it just before
// still uses it, but leaves nothing idle in it.
func (g *group) forget() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.forgettable() {
		return false
	}
	g.kept = false
	return true
}

// keep makes the group one of a current generation, whose idle instances stay as long as
// the function wishes.
func (g *group) keep(k lambda.Keep) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.kept = true
	g.adopt(k)
}

// retire lets idle instances leave now and others when they are done. It says whether
// the group ever had an instance, or is about to.
func (g *group) retire(why string) (used bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.kept = false
	g.abandonPlans()
	g.dropSnapshots()
	for len(g.idle) > 0 {
		g.dismiss(g.idle[0], why)
	}
	return g.used || len(g.starts) > 0
}

// follow tells a group that has had no instance what became of its predecessor's.
func (g *group) follow(why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.used {
		g.past = why
	}
}

// oldest returns the idle instance that was used least recently, and when that was.
func (g *group) oldest() (*member, time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.evictable()
	if m == nil {
		return nil, time.Time{}
	}
	return m, m.idleSince
}

// evict makes m leave if it is still idle.
func (g *group) evict(m *member) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.state != idle || m.provisioned() && m.fate != outgoing {
		return false
	}
	g.dismiss(m, whyEvicted)
	return true
}

func (g *group) count(s *Stats) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.Idle += len(g.idle)
	s.Busy += g.busy
	s.Starting += len(g.starts) + len(g.snapshots.starts)
	s.Waiting += len(g.waiters)
	g.countAhead(s)
	g.countTiers(s)
}
