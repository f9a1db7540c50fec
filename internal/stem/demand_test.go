package stem

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// at are times after the begin.
func at(times ...time.Duration) []time.Duration { return times }

// every repeats n takes with a distance.
func every(d time.Duration, n int) (times []time.Duration) {
	for i := range n {
		times = append(times, d*time.Duration(i))
	}
	return times
}

// wantedFor is what demand says after takes, when a stem is made in each.
func wantedFor(each time.Duration, takes []time.Duration) int {
	var d demand
	d.made(each)
	begin := time.Unix(1_000_000, 0)
	for _, take := range takes {
		d.take(begin.Add(take))
	}
	last := begin
	if len(takes) > 0 {
		last = begin.Add(takes[len(takes)-1])
	}
	return d.peak(last)
}

func TestDemandOfArrivals(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		each  time.Duration
		takes []time.Duration
		want  int
	}{
		"none":                      {10 * ms, nil, 0},
		"one":                       {10 * ms, at(0), 1},
		"ten at once":               {10 * ms, every(0, 10), 10},
		"slower than they are made": {10 * ms, every(10*ms, 1000), 1},
		"twice as fast":             {10 * ms, every(5*ms, 100), 51},
		"a burst, then calm":        {10 * ms, append(every(0, 20), every(time.Second, 60)[1:]...), 20},
		"two bursts far apart":      {10 * ms, append(every(0, 5), at(time.Second, time.Second, time.Second)...), 5},
		"two bursts close together": {10 * ms, at(0, 0, 0, 0, 0, 20*ms, 20*ms, 20*ms, 20*ms, 20*ms), 8},
		"at the very end of making": {10 * ms, at(0, 10*ms-1), 2},
		"making takes very long":    {time.Hour, every(time.Second, 100), 1}, // it counts for a second
	} {
		if got := wantedFor(c.each, c.takes); got != c.want {
			t.Errorf("%s: %d stems, want %d", name, got, c.want)
		}
	}
}

// misses plays a bed: it holds n stems, and makes one after the other where some lack.
func misses(each time.Duration, takes []time.Duration, n int) (missed int) {
	ready, making, free := n, 0, time.Duration(0) // free is when the next one is done
	for _, take := range takes {
		for making > 0 && free <= take {
			ready++
			if making--; making > 0 {
				free += each
			}
		}
		if ready == 0 {
			missed++ // the taker has its own made; the bed lacks none for it
			continue
		}
		ready--
		if making++; making == 1 {
			free = take + each
		}
	}
	return missed
}

// TestDemandIsTheLeastThatMissesNothing against a bed that is played step by step.
func TestDemandIsTheLeastThatMissesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		each := time.Duration(rapid.IntRange(1, 1000).Draw(t, "each")) * time.Millisecond
		gaps := rapid.SliceOfN(rapid.IntRange(0, 2000), 1, 60).Draw(t, "gaps")
		var takes []time.Duration
		now := time.Duration(0)
		for _, gap := range gaps {
			now += time.Duration(gap) * time.Millisecond
			takes = append(takes, now)
		}
		want := wantedFor(each, takes)
		if missed := misses(each, takes, want); missed > 0 {
			t.Fatalf("with %d stems %d of %d takes meet none", want, missed, len(takes))
		}
		if want > 0 && misses(each, takes, want-1) == 0 {
			t.Fatalf("%d stems would do, not %d", want-1, want)
		}
	})
}

func TestDemandForgets(t *testing.T) {
	var d demand
	d.made(time.Millisecond)
	begin := time.Unix(1_000_000, 0)
	for range 30 {
		d.take(begin)
	}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 30}, {memory - 1, 30}, {memory, 30}, {2*memory - 1, 30}, {2 * memory, 0}, {10 * memory, 0}} {
		if got := d.peak(begin.Add(c.after)); got != c.want {
			t.Errorf("after %v: %d, want %d", c.after, got, c.want)
		}
	}
	d.take(begin.Add(20 * memory))
	if got := d.peak(begin.Add(20 * memory)); got != 1 {
		t.Errorf("after a long calm: %d, want 1", got)
	}
}

func TestDemandForgetsWhatNobodyAskedAbout(t *testing.T) {
	var d demand
	begin := time.Unix(1_000_000, 0)
	d.take(begin)
	if got := d.peak(begin.Add(time.Hour)); got != 0 {
		t.Errorf("after an hour without a look: %d", got)
	}
}
