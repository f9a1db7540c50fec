package bench

import (
	"context"
	"errors"
	"slices"
	"time"
)

// turns is how contenders alternate.
type turns struct {
	length int           // samples that a contender takes in a round, back to back
	slow   int           // the same of a slow contender; 0 = as others
	lasts  time.Duration // 0 = without end; a turn that has lasted so long ends with the sample under way
	rest   time.Duration // after each turn
	calm   time.Duration // 0 = none; after each turn, until the machine is idle, for so long at most
	least  int           // rounds, also where the time is over
	pace   *pace         // nil = none
	tight  bool          // no turn begins that would not end in time, as one before it took
}

// run lets contenders take turns for d. The order turns round by one each time, so that nobody
// always follows the same one. A contender that fails takes no more turns; its row says why.
// On an error, which is that ctx ended, what was seen before is returned as well.
func (t turns) run(ctx context.Context, d time.Duration, all []contender) ([]*series, error) {
	seen := make([]*series, len(all))
	for i, c := range all {
		seen[i] = newSeries(c)
	}
	end := time.Now().Add(d)
	order := t.order(seen)
	for round, had := 0, true; had && (round < t.least || time.Now().Before(end)); round++ {
		had = !t.tight
		for i := range order {
			s := order[(i+round)%len(order)]
			if s.failed != nil || s.every > 1 && round%s.every != 0 || t.tight && round >= t.least && !s.fits(end) {
				continue
			}
			had = true
			if err := t.one(ctx, s); err != nil {
				return seen, err
			}
		}
		if allFailed(seen) {
			break
		}
	}
	return seen, t.pace.end(ctx)
}

func (t turns) one(ctx context.Context, s *series) error {
	length, from := t.samples(s), time.Now()
	defer func() { s.longest = max(s.longest, time.Since(from)) }()
	if err := t.pace.before(ctx, s); err != nil {
		return err
	}
	for began := time.Now(); length > 0 && (t.lasts == 0 || time.Since(began) < t.lasts); length-- {
		err := s.more(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			s.failed = err
			return nil
		}
	}
	return errors.Join(pause(ctx, t.rest), calmDown(ctx, t.calm))
}

// fits says whether a turn that takes as long as the longest so far would end in time.
func (s *series) fits(end time.Time) bool { return time.Now().Add(s.longest).Before(end) }

// order is who has the turns of a round. Whoever may take fewer samples in one than a turn has
// comes again after the others.
func (t turns) order(seen []*series) []*series {
	order := slices.Clone(seen)
	for again := true; again; {
		again = false
		for _, s := range seen {
			if had := count(order, s); had*t.samples(s) < t.inRound(s) {
				order, again = append(order, s), true
			}
		}
	}
	return order
}

func count(order []*series, s *series) (n int) {
	for _, o := range order {
		if o == s {
			n++
		}
	}
	return n
}

// inRound is how many samples a contender takes in a round, at least.
func (t turns) inRound(s *series) int {
	switch {
	case s.turn > 0:
		return s.turn
	case s.slow && t.slow > 0:
		return t.slow
	default:
		return t.length
	}
}

// samples is how many it takes in a turn, at most.
func (t turns) samples(s *series) int {
	if s.most > 0 {
		return min(s.most, t.inRound(s))
	}
	return t.inRound(s)
}

// more takes one sample, or a slice of them, or a number, as the contender does.
func (s *series) more(ctx context.Context) error {
	switch {
	case s.rate != nil:
		v, err := s.rate(ctx)
		if err == nil {
			s.addValue(v)
		}
		return err
	case s.many != nil:
		some, err := s.many(ctx)
		for _, got := range some {
			s.add(got)
		}
		return err
	default:
		got, err := s.take(ctx)
		if err == nil {
			s.add(got)
		}
		return err
	}
}

// pause sleeps for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// Bounds of an idle machine.
const (
	calmLook = 50 * time.Millisecond // five ticks of each CPU
	busyMost = 0.15                  // share of the CPUs' time
)

// calmDown waits until the machine is idle, for d at most: nobody pays for another's cleaning up
// or for what a server makes ready ahead.
func calmDown(ctx context.Context, d time.Duration) error {
	for end := time.Now().Add(d); time.Now().Before(end); {
		before := conditionsNow()
		if err := pause(ctx, calmLook); err != nil {
			return err
		}
		if before.busy(conditionsNow()) < busyMost {
			return nil
		}
	}
	return nil
}

func allFailed(seen []*series) bool {
	for _, s := range seen {
		if s.failed == nil {
			return false
		}
	}
	return true
}

// rowsOf are the rows of all series, in their order.
func rowsOf(seen []*series) []Row {
	var rows []Row
	for _, s := range seen {
		rows = append(rows, s.rows()...)
	}
	return rows
}
