package pool

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// An idle instance goes through tiers: it runs on, is frozen, has its memory pushed out to
// swap, and is closed. When, says the pool's settings, or the function's.

// lookAgain is how often an idle instance looks at a keep-alive that is measured, and may
// have become shorter.
const lookAgain = time.Minute

// keeping is how long a group keeps idle instances. group.mu guards it.
type keeping struct {
	policy lambda.Keep
	gaps   *gaps // nil unless policy.P99 is set
}

// adopt takes in the function's wish. Preconditions: mu is held.
func (g *group) adopt(k lambda.Keep) {
	if g.keeping.policy == k {
		return
	}
	g.keeping.policy = k
	switch {
	case k.P99 == 0:
		g.keeping.gaps = nil
	case g.keeping.gaps == nil:
		g.keeping.gaps = &gaps{}
	}
	for _, m := range g.idle {
		m.nudge() // what is due next has changed
	}
}

// look shortens the time until the next look where the keep-alive is measured.
func (k *keeping) look(next time.Duration) time.Duration {
	if k.gaps != nil {
		return min(next, lookAgain)
	}
	return next
}

// keepAlive is how long an instance may be idle. Preconditions: mu is held.
func (g *group) keepAlive() time.Duration {
	switch k := &g.keeping; {
	case k.policy.Set:
		return k.policy.Alive
	case k.gaps != nil && !g.coldIsFast(k.policy.P99):
		return k.gaps.most()
	}
	return g.pool.settings.KeepAlive
}

// coldIsFast says whether a cold start is answered in time all the same, by the slowest
// that was measured and the time that 99 of 100 requests take. Preconditions: mu is held.
func (g *group) coldIsFast(within time.Duration) bool {
	start, took, known := g.pace.worst()
	return known && start+took <= within
}

// keepsNothing says whether idle instances are closed at once. Preconditions: mu is held.
func (g *group) keepsNothing() bool {
	k := &g.keeping
	return k.policy.Set && k.policy.Alive == 0 || !k.policy.Set && k.gaps == nil && g.pool.settings.KeepAlive == 0
}

// met notes the gap of a request that took an idle instance. Preconditions: mu is held; m
// is still marked as it was idle.
func (k *keeping) met(m *member) {
	if k.gaps != nil {
		k.gaps.see(time.Since(m.idleSince))
	}
}

// waited notes the gap of a request that waited: none, where an instance became free.
// Preconditions: mu is held.
func (k *keeping) waited(fresh bool) {
	switch {
	case k.gaps == nil:
	case fresh:
		k.gaps.miss(time.Now())
	default:
		k.gaps.see(0)
	}
}

// lost notes that an idle instance is closed. Preconditions: mu is held.
func (k *keeping) lost(m *member) {
	if k.gaps != nil {
		k.gaps.bury(m.idleSince)
	}
}

// beginsExpired is the beginning of what whyExpired says.
const beginsExpired = "instance expired after "

// whyExpired says it with who set the time. Preconditions: mu is held.
func (g *group) whyExpired(idle time.Duration) string {
	said := fmt.Sprintf(beginsExpired+"%s idle", seconds(idle))
	switch k := &g.keeping; {
	case k.policy.Set:
		return said + ", as " + lambda.KeepAliveTag + " says"
	case k.gaps != nil:
		return said + ": " + lambda.P99Tag + " spares 99 of 100 requests a cold start, not all"
	}
	return said
}

// seconds shows fractions of short times only.
func seconds(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.3g s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

// reclaimDue says whether the memory of a frozen instance is to be pushed out now.
// Preconditions: group.mu is held.
func (m *member) reclaimDue() bool {
	after, wanted := m.reclaimAfter()
	return wanted && m.state == idle && m.frozen && !m.reclaimed && time.Since(m.idleSince) >= after
}

// reclaimAfter is after what idle time that is to happen. Never where 99 of 100 requests
// are to be fast: what was pushed out comes back slowly. Preconditions: group.mu is held.
func (m *member) reclaimAfter() (time.Duration, bool) {
	after := m.group.pool.settings.ReclaimAfter
	return after, after >= 0 && m.group.keeping.gaps == nil && !m.provisioned()
}

// reclaim pushes the memory out. A request that takes the instance meanwhile does not wait.
// Preconditions: group.mu is held; it is given up for the while.
func (m *member) reclaim(ctx context.Context) {
	m.reclaimed, m.freed = true, 0 // also after an error: it is not tried for ever
	m.group.mu.Unlock()
	ctx, stop := context.WithTimeoutCause(ctx, iceTimeout, errIceTimeout)
	defer stop()
	freed, err := m.inst.Reclaim(ctx)
	m.log(err, "the memory of an idle instance was not reclaimed")
	m.group.mu.Lock()
	m.freed = freed
}

// woken says, once, whether a request got the instance with its memory pushed out.
// Preconditions: group.mu is held, the request has just taken m.
func (m *member) woken() bool {
	was := m.reclaimed && m.freed > 0
	m.reclaimed, m.freed = false, 0
	return was
}

// countTiers adds the idle instances by tier. Preconditions: mu is held.
func (g *group) countTiers(s *Stats) {
	for _, m := range g.idle {
		switch {
		case m.reclaimed && m.freed > 0:
			s.Reclaimed++
		case m.frozen:
			s.Frozen++
		}
	}
}

// worst is the slowest start, and the time that 99 of 100 requests had their instances for,
// of those that are remembered; false where either is unknown.
func (p *pace) worst() (start, took time.Duration, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.starts.ring) == 0 || len(p.took.ring) == 0 {
		return 0, 0, false
	}
	sorted := slices.Sorted(slices.Values(p.took.ring))
	return slices.Max(p.starts.ring), sorted[(len(sorted)*99-1)/100], true
}
