package pool

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
)

// Bounds of the pause before a failed start of a provisioned instance is tried again; it
// doubles from try to try. They are those between which AWS Lambda's queue retries what
// throttles and system errors kept from running (Developer Guide, "Asynchronous
// invocation").
const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
)

// ahead is what a group keeps initialised ahead of requests. group.mu guards it.
type ahead struct {
	plans   map[string]*plan // by qualifier
	members []*member        // from before their start until they leave
}

// plan is one configuration's part of a group.
type plan struct {
	want    Want
	granted int         // of want.Executions: memory is set aside for them
	failure string      // why it is not met; "" while it may be
	lacking bool        // it is for memory
	tries   int         // rounds of starts that failed
	retry   *time.Timer // of the next round; nil = none
}

// shrink gives back what is not wanted any more. elsewhere tells of a qualifier whether
// it has moved to another group.
func (g *group) shrink(wants map[string]Want, elsewhere func(string) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for qualifier, p := range g.ahead.plans {
		w, wanted := wants[qualifier]
		if p.granted > w.Executions {
			g.pool.memory.setAside((w.Executions - p.granted) * p.memory())
			p.granted = w.Executions
		}
		if wanted {
			g.trim(qualifier, p.granted, going)
			continue
		}
		p.stopRetry()
		delete(g.ahead.plans, qualifier)
		if elsewhere(qualifier) {
			g.trim(qualifier, 0, outgoing)
		} else {
			g.trim(qualifier, 0, going)
		}
	}
	for _, m := range slices.Clone(g.ahead.members) {
		if m.fate == outgoing && !elsewhere(m.owner) {
			g.part(m, going)
		}
	}
}

// grow takes in what is wanted and begins the starts that it needs.
func (g *group) grow(wants map[string]Want) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for qualifier, w := range wants {
		p := g.ahead.plans[qualifier]
		if p == nil {
			p = &plan{}
			if g.ahead.plans == nil {
				g.ahead.plans = map[string]*plan{}
			}
			g.ahead.plans[qualifier] = p
		}
		if !p.want.Asked.Equal(w.Asked) || p.want.Executions != w.Executions {
			p.forgive()
		}
		p.want = w
		if p.failure == "" {
			g.pursue(p)
		}
	}
}

func (p *plan) memory() int { return p.want.Target.Version.MemorySize }

func (p *plan) stopRetry() {
	if p.retry != nil {
		p.retry.Stop()
		p.retry = nil
	}
}

// forgive forgets what failed.
func (p *plan) forgive() {
	p.stopRetry()
	p.failure, p.lacking, p.tries = "", false, 0
}

// pursue sets memory aside and begins the starts that a plan lacks. Preconditions: mu is
// held.
func (g *group) pursue(p *plan) {
	if lacking := p.want.Executions - p.granted; lacking > 0 {
		if free, ok := g.pool.memory.setAside(lacking * p.memory()); !ok {
			g.failPlan(p, noMemory(p, free, g.pool.memory.limit))
			p.lacking = true
			return
		}
		p.granted, p.lacking = p.want.Executions, false
	}
	g.readopt(p)
	for range p.granted - len(g.staying(p.want.Qualifier)) {
		g.beginAhead(p)
	}
}

// readopt takes back what was on its way out: an alias that was moved forth and back.
// Preconditions: mu is held.
func (g *group) readopt(p *plan) {
	lacking := p.granted - len(g.staying(p.want.Qualifier))
	for _, m := range g.ahead.members {
		if lacking > 0 && m.owner == p.want.Qualifier && m.fate == outgoing {
			m.fate = stays
			lacking--
		}
	}
}

func noMemory(p *plan, free, limit int) string {
	return fmt.Sprintf("The host cannot set aside %d x %d MB: of the %d MB that it gives to functions, %d MB are not provisioned to others. "+
		"Lower the number or MemorySize, or raise the host's budget.", p.want.Executions, p.memory(), limit, free+p.granted*p.memory())
}

// failPlan notes why a plan is not met, and tries again later. Preconditions: mu is held.
func (g *group) failPlan(p *plan, reason string) {
	p.failure = reason
	if p.retry != nil {
		return
	}
	pause := min(firstRetry<<min(p.tries, 10), lastRetry)
	p.tries++
	p.retry = time.AfterFunc(pause, func() { g.retry(p) })
}

// regrant tries the plans at once that lacked memory.
func (g *group) regrant() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.ahead.plans {
		if p.lacking {
			p.forgive()
			g.pursue(p)
		}
	}
}

// retry is another round for a plan. Its failure stands until it is met.
func (g *group) retry(p *plan) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ahead.plans[p.want.Qualifier] != p || p.retry == nil {
		return // it was dropped, or asked for anew
	}
	p.retry = nil
	g.pursue(p)
}

// wanted says whether a provisioned start is still to be made: not when another of its
// plan has just failed. Preconditions: mu is held.
func (g *group) wanted(m *member) bool {
	p := g.ahead.plans[m.owner]
	return p != nil && p.retry == nil && slices.Contains(g.ahead.members, m)
}

// abandonPlans drops all that is provisioned in a group that takes no request any more.
// Preconditions: mu is held.
func (g *group) abandonPlans() {
	for qualifier, p := range g.ahead.plans {
		p.stopRetry()
		g.pool.memory.setAside(-p.granted * p.memory())
		delete(g.ahead.plans, qualifier)
	}
	for _, m := range slices.Clone(g.ahead.members) {
		g.part(m, going)
	}
}

// pending says whether starts for a qualifier may still come to something.
func (g *group) pending(qualifier string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.ahead.plans[qualifier]
	return p != nil && p.failure == "" && g.initialised(qualifier) < p.want.Executions
}

// spilt says why a request found no provisioned instance; "" where none is provisioned.
// Preconditions: mu is held.
func (g *group) spilt() string {
	wanted, ready := 0, 0
	for qualifier, p := range g.ahead.plans {
		wanted += p.want.Executions
		ready += g.initialised(qualifier)
	}
	return whySpilt(wanted, ready)
}

// reasonOf is what the owner of a function is told of a failed start.
func reasonOf(err error) string {
	if errors.Is(err, instance.ErrInit) {
		return lambda.ReasonInitFailure
	}
	if e, ok := final(err); ok {
		return e.Message
	}
	return "The function could not be started. Lambent tries again; its log says why."
}
