package bench

import (
	"context"
	"slices"
)

// pace is a floor that is measured before every turn of others and after the last. Where a
// machine's speed changes from second to second, as a virtual machine's does with what runs
// beside it, the multiples of it stay. A nil pace does nothing. It belongs to one goroutine.
type pace struct {
	floor *series
	each  int // samples of the floor between two turns

	last    float64 // median of those before the turn under way
	running *series // whose turn that is
}

func newPace(floor contender, each int) *pace { return &pace{floor: newSeries(floor), each: each} }

// before measures the floor between the turn that has ended, if there was one, and that of s.
func (p *pace) before(ctx context.Context, s *series) error {
	if err := p.between(ctx); err != nil || p == nil {
		return err
	}
	p.running, s.turned = s, s.count()
	return nil
}

// end measures the floor after the last turn.
func (p *pace) end(ctx context.Context) error {
	err := p.between(ctx)
	if p != nil {
		p.running = nil
	}
	return err
}

// between takes the floor's samples and relates the turn that lies before them to what
// surrounds it. A floor that fails leaves all rows without multiples; its own row says why.
func (p *pace) between(ctx context.Context) error {
	if p == nil || p.floor.failed != nil {
		return nil
	}
	from := p.floor.count()
	for range p.each {
		if err := p.floor.more(ctx); err != nil {
			p.floor.failed = err
			break
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	now := median(p.floor.values[""][from:])
	if p.running != nil && p.last > 0 && now > 0 {
		p.running.overFloor((p.last + now) / 2)
	}
	p.last = now
	return nil
}

// overFloor relates the values of the turn that has ended to its floor.
func (s *series) overFloor(floor float64) {
	for _, v := range s.values[""][s.turned:] {
		s.paced = append(s.paced, v/floor)
	}
}

// count is how many values of no kind there are.
func (s *series) count() int { return len(s.values[""]) }

// median leaves the order of values alone; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return *percentile(slices.Sorted(slices.Values(values)), 0.5)
}
