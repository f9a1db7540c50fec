package pool

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What samples keep up with each measurement is what the last ones say.
func TestSamplesAreOfTheLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s samples
		all := rapid.SliceOfN(rapid.Int64Range(0, 20), 1, 3*samplesKept).Draw(t, "took")
		for i, d := range all {
			s.add(time.Duration(d))
			last := slices.Clone(all[max(0, i+1-samplesKept) : i+1])
			slices.Sort(last)
			var sum int64
			for at, one := range last {
				sum += one
				if s.sorted[at] != time.Duration(one) {
					t.Fatalf("after %d: %v, want %v", i, s.sorted, last)
				}
			}
			if mean, ok := s.mean(); !ok || mean != time.Duration(sum/int64(len(last))) {
				t.Fatalf("after %d: mean %v, %v, want %d", i, mean, ok, sum/int64(len(last)))
			}
		}
	})
}

func TestLeftIsOfThoseThatLastedLonger(t *testing.T) {
	var s samples
	for _, d := range []time.Duration{1, 3, 5, 10} {
		s.add(d)
	}
	for age, want := range map[time.Duration]time.Duration{0: 4, 1: 5, 3: 4, 5: 5, 9: 1} {
		if left, known := s.left(age); !known || left != want {
			t.Errorf("left(%d) = %d, %v, want %d", age, left, known, want)
		}
	}
	if _, known := s.left(10); known {
		t.Error("something is known of one that has lasted longer than all")
	}
}

// A request that has to wait under load costs its group no memory to estimate.
func TestEstimatesAllocateNothing(t *testing.T) {
	var p pace
	now := time.Now()
	for i := range 2 * samplesKept {
		p.flown(time.Duration(i) * time.Microsecond)
	}
	for range 4 {
		p.depart(now)
	}
	if n := testing.AllocsPerRun(100, func() { p.sooner(10*time.Millisecond, now, 12, 0); p.flown(time.Millisecond) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
