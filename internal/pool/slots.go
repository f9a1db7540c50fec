package pool

import "slices"

// An instance of most functions takes one request at a time. Of some it takes several:
// target.Slots has their number. Busy then means that at least one runs in it; one with
// a free slot is in group.open too.

// occupy gives a slot of m to a request. Preconditions: mu is held, m has a free slot
// and is not in group.idle any more.
func (g *group) occupy(m *member) {
	if m.running == 0 {
		m.state = busy
		g.busy++
	}
	m.running++
	g.place(m)
}

// takeOpen takes a slot of the busy instance that was opened last: others may become idle.
// Preconditions: mu is held.
func (g *group) takeOpen() *member {
	for _, m := range slices.Backward(g.open) {
		if !m.ended() {
			g.occupy(m)
			return m
		}
	}
	return nil
}

// place puts m into group.open if it may be given another request, and takes it out if
// not. Preconditions: mu is held.
func (g *group) place(m *member) {
	slots := m.target.Slots()
	if slots == 1 {
		return
	}
	open := m.state == busy && m.running > 0 && m.running < slots && m.emptying == "" && !m.frozen && m.ice == nil
	switch i := slices.Index(g.open, m); {
	case open && i < 0:
		g.open = append(g.open, m)
	case !open && i >= 0:
		g.open = slices.Delete(g.open, i, i+1)
	}
}

// vacate takes a slot back and gives it to a request that waits. why says what is wrong
// with the instance: then it gets no more until it is empty, and may have become good
// again by that. It returns what is wrong with one that is empty. Preconditions: mu is
// held.
func (g *group) vacate(m *member, why string) string {
	m.running--
	if m.target.Slots() == 1 || m.state == leaving {
		return why
	}
	if m.emptying == "" {
		m.emptying = why
	}
	if m.running > 0 {
		g.place(m)
		g.fill()
		return ""
	}
	why, m.emptying = m.emptying, ""
	g.place(m)
	if why != whyBroken && m.inst.Reusable() {
		return ""
	}
	return why
}

// fill gives the free slots of busy instances to requests that wait. Preconditions: mu is
// held.
func (g *group) fill() {
	for len(g.waiters) > 0 && len(g.open) > 0 {
		m := g.open[len(g.open)-1]
		if m.ended() {
			g.open = g.open[:len(g.open)-1] // its last request sees to the rest
			continue
		}
		g.deliver(m)
	}
}

// startsFor is how many instances a number of waiting requests need. Preconditions: mu is
// held.
func (g *group) startsFor(waiting int) int {
	if waiting -= g.thawing + g.patient(); waiting <= 0 {
		return 0
	}
	slots := g.slots()
	return (waiting + slots - 1) / slots
}

// slots is how many requests an instance takes: all targets of a group say the same. Preconditions: mu is held.
func (g *group) slots() int {
	if len(g.waiters) == 0 {
		return 1
	}
	return g.waiters[0].target.Slots()
}

// beginThaw notes that a request thaws m before others may use its slots, and endThaw
// that it has. Preconditions of beginThaw: mu is held.
func (g *group) beginThaw(m *member) { g.thawing += m.target.Slots() - 1 }

func (g *group) endThaw(m *member, thawed bool) {
	g.mu.Lock()
	defer g.unlock()
	g.thawing -= m.target.Slots() - 1
	if thawed {
		m.frozen = false
		g.place(m)
		g.fill()
	}
	g.provision() // what waits and found no slot
}
