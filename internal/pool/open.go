package pool

import (
	"context"
	"time"

	"lambent.dev/lambent/internal/receipt"
)

// A request that nothing else can serve sooner gets the instance that is started for it before
// that has initialised the function: what hands the event over together with the workload saves
// a hand-over. It is bound to the instance then, so this is only done where late binding has
// nothing to choose: for the only request and the only start of a group of which nothing is in
// use.

// launchInTwo starts an instance that a request may initialise.
func (m *member) launchInTwo(ctx context.Context, p Preparer) error {
	opener, err := p.Prepare(ctx, m.target)
	if err != nil {
		return err
	}
	m.inst = opener
	if m.group.embark(m) {
		return nil
	}
	return opener.Initialise(ctx)
}

// embark gives an instance that is not initialised to the request that it was started for, if
// that would get no other.
func (g *group) embark(m *member) bool {
	g.mu.Lock()
	defer g.unlock()
	if !g.lonely(m) {
		return false
	}
	w := g.waiters[0]
	g.forgetStart(m)
	m.open, g.used = true, true
	g.keeping.waited(true)
	g.occupy(m)
	g.answer(w, lease{member: m, fresh: true, opens: true, why: w.why, since: w.since})
	return true
}

// lonely says whether m is the only hope of the only request that waits. Preconditions: mu is
// held.
func (g *group) lonely(m *member) bool {
	return len(g.waiters) == 1 && len(g.starts) == 1 && g.starts[0] == m && m.target.Slots() == 1 &&
		g.busy+g.thawing+len(g.idle)+len(g.ahead.members)+len(g.snapshots.starts) == 0
}

// flight is what a request with an instance means for the pace of its group.
type flight struct {
	pace  *pace
	place int
	began time.Time
	opens *member // that it initialises; nil = none
	ended func()  // its instance has been started, by then at least
}

// depart begins a flight. One that initialises its instance tells nothing of when that is free,
// and is a start for those that wait for calm.
func (g *group) depart(l *lease, now time.Time) flight {
	f := flight{pace: &g.pace, began: now}
	if l.opens {
		f.opens, f.ended = l.member, g.pool.calm.begin()
		return f
	}
	f.place = g.pace.depart(now)
	return f
}

// land ends it.
func (f flight) land(r *receipt.Receipt, now time.Time) {
	if f.opens == nil {
		f.pace.land(f.place, now)
		return
	}
	f.ended()
	if r.Spent[receipt.Runtime] == 0 {
		return // it was not initialised
	}
	opened := f.began.Add(r.Spent[receipt.Runtime] + r.Spent[receipt.Init])
	f.pace.started(opened.Sub(f.opens.begun))
	f.pace.flown(now.Sub(opened))
}
