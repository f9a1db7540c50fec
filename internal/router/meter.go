package router

import "time"

// meter measures how long permits are held, without a note on each: by Little's law the
// mean is the sum over time of those that are out, divided by how many came back.
type meter struct {
	held  time.Duration // by all permits together
	ended int64
	last  time.Time // until when held is summed up
}

// remembered is after how many permits half of what was measured is forgotten, so that a
// function that changes is known again soon.
const remembered = 64

// pass adds the time since the last change, in which n permits were out.
func (m *meter) pass(n int, now time.Time) {
	if n > 0 {
		m.held += time.Duration(n) * now.Sub(m.last)
	}
	m.last = now
}

// end counts a permit that came back.
func (m *meter) end() {
	if m.ended++; m.ended == remembered {
		m.held /= 2
		m.ended /= 2
	}
}

// next is when the next of n permits is expected back, 0 where nothing was measured. It
// takes them to end independently of each other.
func (m *meter) next(n int) time.Duration {
	if m.ended == 0 || n == 0 {
		return 0
	}
	return m.held / time.Duration(m.ended) / time.Duration(n)
}
