package bench

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestPercentilesAreExact(t *testing.T) {
	var sorted []float64
	for i := range 1000 {
		sorted = append(sorted, float64(i+1))
	}
	for q, want := range map[float64]float64{0.5: 500, 0.9: 900, 0.99: 990, 0.999: 999} {
		if got := percentile(sorted, q); got == nil || *got != want {
			t.Errorf("p%v = %v, want %v", 100*q, got, want)
		}
	}
	if got := percentile(sorted[:10], 0.9); got == nil || *got != 9 {
		t.Errorf("p90 of ten: %v", got)
	}
}

func TestTooFewSamplesGiveNoTail(t *testing.T) {
	few := make([]float64, 99)
	if got := percentile(few, 0.99); got != nil {
		t.Errorf("p99 of 99 samples: %v", *got)
	}
	if got := percentile(make([]float64, 100), 0.99); got == nil {
		t.Error("no p99 of 100 samples")
	}
	if got := percentile(make([]float64, 999), 0.999); got != nil {
		t.Error("p99.9 of 999 samples")
	}
	if percentile(nil, 0.5) != nil || percentile(few[:1], 0.5) == nil {
		t.Error("the median needs one sample")
	}
}

// By its definition: at least a share q is not above the percentile, and less than q is below.
func TestNearestRank(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		samples := rapid.SliceOfN(rapid.Float64Range(0, 10), 1, 500).Draw(t, "samples")
		q := rapid.SampledFrom([]float64{0.5, 0.9, 0.99}).Draw(t, "q")
		slices.Sort(samples)
		got := percentile(samples, q)
		if got == nil {
			return
		}
		below, upTo := 0, 0
		for _, v := range samples {
			if v < *got {
				below++
			}
			if v <= *got {
				upTo++
			}
		}
		n := float64(len(samples))
		if float64(upTo) < q*n-1e-6 || float64(below) >= q*n {
			t.Errorf("p%v of %v = %v", 100*q, samples, *got)
		}
	})
}

func TestCurveRises(t *testing.T) {
	samples := make([]float64, 5000)
	for i := range samples {
		samples[i] = rand.ExpFloat64()
	}
	slices.Sort(samples)
	points := curve(samples)
	if !slices.IsSortedFunc(points, func(a, b Point) int {
		if a.Q < b.Q && a.V <= b.V {
			return -1
		}
		return 1
	}) {
		t.Error("the curve falls")
	}
	if last := points[len(points)-1]; last.V != samples[4999] || points[len(points)-2].Q != 0.9995 {
		t.Errorf("ends with %v", points[len(points)-2:])
	}
}

// TestRangesHold: of two hundred measurements, the range of nearly 95 in 100 holds the true percentile.
func TestRangesHold(t *testing.T) {
	rng, held := rand.New(rand.NewPCG(1, 2)), 0
	for range 200 {
		values := make([]float64, 2000)
		for i := range values {
			values[i] = rng.Float64()
		}
		slices.Sort(values)
		if r := rangeOf(values, 0.99); *r.Low <= 0.99 && 0.99 <= *r.High {
			held++
		}
	}
	if held < 180 {
		t.Errorf("%d of 200 ranges hold the percentile", held)
	}
}

// TestFewSamplesSetNoUpperBound: nor do they have a range where they have no percentile.
func TestFewSamplesSetNoUpperBound(t *testing.T) {
	values := make([]float64, 130)
	for i := range values {
		values[i] = float64(i)
	}
	if r := rangeOf(values, 0.99); r == nil || r.High != nil || *r.Low < 120 || *r.Low > 128 {
		t.Errorf("%+v", r)
	}
	if r := rangeOf(values[:99], 0.99); r != nil {
		t.Errorf("%+v", r)
	}
}
