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
	for _, part := range launch.parts() {
		covered := overlap(from, to, part.From, part.To)
		r.Add(part.phase, covered)
		r.Add(part.of, -covered)
	}
}

// Parts yields the phases in order with what was spent in each. Those that only machines have
// are left out where they took no time.
func (r *Receipt) Parts(yield func(Phase, time.Duration) bool) {
	for _, p := range order {
		if d := r.Spent[p]; (d != 0 || !p.ofMachine()) && !yield(p, d) {
			return
		}
	}
}

// Making is what the sandbox took, with all that a machine took of it.
func (r *Receipt) Making() time.Duration {
	return r.Spent[Sandbox] + r.Spent[Boot] + r.Spent[Resume] + r.Spent[Attach]
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
