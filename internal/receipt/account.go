package receipt

import "time"

// Add accounts d to a phase.
func (r *Receipt) Add(p Phase, d time.Duration) { r.Spent[p] += d }

// Wall is the sum of all phases.
func (r *Receipt) Wall() time.Duration {
	var sum time.Duration
	for _, d := range r.Spent {
		sum += d
	}
	return sum
}

// Wait accounts the time in which a request waited for an instance. What the
// instance's launch covers of it goes to the launch's phases; the time before the
// launch began and after it ended is Queue.
func (r *Receipt) Wait(from, to time.Time, launch Launch) {
	r.Add(Queue, max(to.Sub(from), 0))
	begin := launch.Began
	for _, part := range launch.parts() {
		end := begin.Add(part.took)
		covered := overlap(from, to, begin, end)
		r.Add(part.phase, covered)
		r.Add(Queue, -covered)
		begin = end
	}
}

// Settle makes the phases sum to wall: time that is in no phase yet goes to p. Every
// hop of the line settles when it returns, with the time since it was entered, and
// the front settles with the time since the request arrived. As the hops nest, their
// measures do too, and the sum is the wall time by construction.
func (r *Receipt) Settle(p Phase, wall time.Duration) {
	if rest := wall - r.Wall(); rest > 0 {
		r.Add(p, rest)
	}
}

// overlap is the length of what two spans share.
func overlap(from, to, begin, end time.Time) time.Duration {
	if begin.Before(from) {
		begin = from
	}
	if end.After(to) {
		end = to
	}
	return max(end.Sub(begin), 0)
}
