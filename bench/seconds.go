package bench

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// Second is what was seen in one second of a row: a tail that comes from few of them is the
// machine's, one that is in all of them is the program's.
type Second struct {
	At    int64    `json:"at"` // since 1970
	N     int      `json:"n"`
	P50   *float64 `json:"p50"` // ms; null: too few samples
	P99   *float64 `json:"p99"`
	Late  *float64 `json:"late"`  // ms, the 99th percentile of how long after they were due requests were sent
	Steal float64  `json:"steal"` // share of the CPUs' time that the hypervisor took
}

// timed are the samples of an open loop by the second in which they were due.
type timed map[int64][]sample

func (t timed) add(got sample) {
	if !got.meant.IsZero() {
		t[got.meant.Unix()] = append(t[got.meant.Unix()], got)
	}
}

// seconds are in order; without any steal.
func (t timed) seconds() []Second {
	var all []Second
	for _, at := range slices.Sorted(maps.Keys(t)) {
		took := valuesOf(t[at], func(s sample) time.Duration { return s.took })
		late := valuesOf(t[at], func(s sample) time.Duration { return s.late })
		all = append(all, Second{At: at, N: len(took), P50: percentile(took, 0.5), P99: percentile(took, 0.99), Late: percentile(late, 0.99)})
	}
	return all
}

// lateness are percentiles of how late all were sent; nil of none.
func (t timed) lateness() *Quantiles {
	var all []float64
	for _, some := range t {
		all = append(all, valuesOf(some, func(s sample) time.Duration { return s.late })...)
	}
	return quantilesOf(all)
}

// valuesOf are in ms, sorted.
func valuesOf(some []sample, of func(sample) time.Duration) []float64 {
	values := make([]float64, len(some))
	for i, s := range some {
		values[i] = milliseconds(of(s))
	}
	slices.Sort(values)
	return values
}

// stealing notes for each second what share of the CPUs' time the hypervisor took.
type stealing struct {
	ends context.CancelCauseFunc
	done sync.WaitGroup
	by   map[int64]float64 // belongs to the goroutine until done
}

func watchSteal(ctx context.Context) *stealing {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &stealing{ends: cancel, by: map[int64]float64{}}
	s.done.Go(func() { s.watch(ctx) })
	return s
}

func (s *stealing) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for last := conditionsNow(); ; {
		select {
		case <-ctx.Done():
			return
		case at := <-tick.C:
			now := conditionsNow()
			s.by[at.Add(-time.Second/2).Unix()], _ = last.since(now)
			last = now
		}
	}
}

// end stops watching.
func (s *stealing) end() { s.ends(nil); s.done.Wait() }

// tell puts what was seen on the rows. Preconditions: it has ended.
func (s *stealing) tell(rows []Row) {
	for _, row := range rows {
		for i := range row.Seconds {
			row.Seconds[i].Steal = s.by[row.Seconds[i].At]
		}
	}
}
