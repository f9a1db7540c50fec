package pool

import (
	"context"
	"errors"
	"slices"
	"time"

	"lambent.dev/lambent/internal/instance"
)

// ward is what only a provisioned member has. The zero value is a member on demand.
type ward struct {
	owner string // qualifier of the configuration that it was started for; "" = none
	fate  fate
	ready time.Time // when it had been initialised

	snapshot bool   // initialised for no request, and not taken yet
	why      string // why the request that takes it met no idle instance
}

// fate says how long a provisioned member stays.
type fate int

const (
	stays    fate = iota
	outgoing      // until others are there in its stead, or its memory is needed
	going         // until no request has it
)

func (m *member) provisioned() bool { return m.owner != "" }

// trim leaves a qualifier with n members that stay: those that are not ready go first,
// then those that no request has. Preconditions: mu is held.
func (g *group) trim(qualifier string, n int, f fate) {
	mine := g.staying(qualifier)
	slices.SortStableFunc(mine, func(a, b *member) int { return a.cost() - b.cost() })
	for _, m := range mine[:max(len(mine)-n, 0)] {
		g.part(m, f)
	}
}

// cost orders members by what is lost with them.
func (m *member) cost() int {
	switch m.state {
	case starting:
		return 0
	case idle:
		return 1
	}
	return 2
}

// staying lists the members that a qualifier has for good. Preconditions: mu is held.
func (g *group) staying(qualifier string) (mine []*member) {
	for _, m := range g.ahead.members {
		if m.owner == qualifier && m.fate == stays {
			mine = append(mine, m)
		}
	}
	return mine
}

// part ends a member's stay. Preconditions: mu is held.
func (g *group) part(m *member, f fate) {
	m.fate = f
	switch {
	case m.state == starting:
		g.disown(m)
		m.cancel(errNotNeeded)
	case m.state == idle && f == going:
		g.dismiss(m, whyReleased)
	}
}

// disown takes a member off the list of those that are cared for. Preconditions: mu is
// held.
func (g *group) disown(m *member) bool {
	i := slices.Index(g.ahead.members, m)
	if i >= 0 {
		g.ahead.members = slices.Delete(g.ahead.members, i, i+1)
	}
	return i >= 0
}

// beginAhead begins the start of a provisioned instance. Preconditions: mu is held.
func (g *group) beginAhead(p *plan) {
	target := *p.want.Target
	target.Provisioned = true
	ctx, cancel := context.WithCancelCause(g.pool.ctx)
	m := newMember(g, &target, cancel)
	m.owner = p.want.Qualifier
	g.ahead.members = append(g.ahead.members, m)
	g.pool.members.Add(1)
	g.pool.holdings.take(&target.Version)
	go m.runAhead(ctx)
}

// runAhead owns a provisioned instance.
func (m *member) runAhead(ctx context.Context) {
	g := m.group
	defer g.pool.members.Done()
	defer g.pool.holdings.drop(&m.target.Version)
	defer m.cancel(nil)
	if err := m.start(ctx); err != nil {
		m.log(err, "provisioned instance did not start")
		g.failAhead(m, err)
		g.pool.settle(g.key.Function)
		return
	}
	g.arriveAhead(m)
	g.pool.settle(g.key.Function)
	m.watch(ctx)
	m.close(ctx)
	g.pool.memory.free(m.memory, m.memory)
}

// launchAhead is launch among the few provisioned instances that start at once, so that
// requests find a CPU.
func (m *member) launchAhead(ctx context.Context) (err error) {
	p := m.group.pool
	select {
	case p.launching <- struct{}{}:
		defer func() { <-p.launching }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if !m.group.fund(m) {
		return errNotNeeded
	}
	limit := p.settings.StartTimeout + instance.InitLimit(&m.target.Version)
	ctx, stop := context.WithTimeoutCause(ctx, limit, errStartTimeout)
	defer stop()
	m.inst, err = p.starter.Start(ctx, m.target)
	return err
}

// arriveAhead takes in a provisioned instance that was started.
func (g *group) arriveAhead(m *member) {
	g.mu.Lock()
	defer g.unlock()
	g.used = true
	m.ready = time.Now()
	if !slices.Contains(g.ahead.members, m) { // nobody wants it any more
		m.fate = going
	}
	g.offer(m)
	if p := g.ahead.plans[m.owner]; p != nil && g.initialised(m.owner) >= p.want.Executions {
		p.forgive()
	}
}

// initialised counts the members of a qualifier that stay and are ready. Preconditions:
// mu is held.
func (g *group) initialised(qualifier string) (n int) {
	for _, m := range g.staying(qualifier) {
		if m.state != starting {
			n++
		}
	}
	return n
}

// failAhead takes in that a provisioned start failed. No request bears it.
func (g *group) failAhead(m *member, err error) {
	g.mu.Lock()
	defer g.unlock()
	p := g.ahead.plans[m.owner]
	if g.disown(m) && p != nil && !errors.Is(err, errNotNeeded) {
		g.failPlan(p, reasonOf(err))
	}
}

// lose takes in that a member leaves; one that is still wanted is replaced. Preconditions:
// mu is held.
func (g *group) lose(m *member) {
	if !m.provisioned() || !g.disown(m) || m.fate != stays {
		return
	}
	p := g.ahead.plans[m.owner]
	switch {
	case p == nil || context.Cause(g.pool.ctx) != nil:
	case m.ended() && time.Since(m.ready) < firstRetry: // or it would be started without a pause
		g.failPlan(p, "An instance ended right after it had been initialised.")
	case p.retry == nil:
		g.pursue(p)
	}
}

// tally adds what the group has of a configuration.
func (g *group) tally(t *tally) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p := g.ahead.plans[t.qualifier]; p != nil && p.failure != "" {
		t.failure = p.failure
	}
	for _, m := range g.ahead.members {
		if m.owner != t.qualifier || m.state == starting || m.state == leaving || m.ended() {
			continue
		}
		switch m.fate {
		case stays:
			t.current++
		case outgoing:
			t.outgoing++
		default:
			continue
		}
		if m.running < m.target.Slots() {
			t.free++
		}
	}
}

// outgoing names the qualifiers that have members on their way out.
func (g *group) outgoing() (qualifiers []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.ahead.members {
		if m.fate == outgoing && !slices.Contains(qualifiers, m.owner) {
			qualifiers = append(qualifiers, m.owner)
		}
	}
	return qualifiers
}

// letGo ends the care for what was on its way out.
func (g *group) letGo(qualifier string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range slices.Clone(g.ahead.members) {
		if m.owner == qualifier && m.fate == outgoing {
			g.part(m, going)
		}
	}
}

// shelve puts an instance among the idle ones. Provisioned ones stand behind the others:
// they are taken first, and those in front are closed first. Preconditions: mu is held.
func (g *group) shelve(m *member) {
	if m.snapshot {
		g.idle = slices.Insert(g.idle, 0, m)
		return
	}
	at := len(g.idle)
	for !m.provisioned() && at > 0 && g.idle[at-1].provisioned() {
		at--
	}
	g.idle = slices.Insert(g.idle, at, m)
}

// evictable returns the idle instance to close first, nil if all must stay. Preconditions:
// mu is held.
func (g *group) evictable() *member {
	for _, m := range g.idle {
		if !m.provisioned() || m.fate == outgoing {
			return m
		}
	}
	return nil
}

// countAhead adds to s what is provisioned. Preconditions: mu is held.
func (g *group) countAhead(s *Stats) {
	for _, m := range g.ahead.members {
		if m.state == starting {
			s.Starting++
		} else {
			s.Provisioned++
		}
	}
}
