package bench

import (
	"math"
	"slices"
)

// percentile is the nearest-rank percentile of sorted samples: the least one that is not
// below a share q of them. nil where there are too few for it to mean anything: at least
// one sample must lie above it.
func percentile(sorted []float64, q float64) *float64 {
	n := len(sorted)
	if n == 0 || q > 0.5 && float64(n)*(1-q) < 1-1e-9 {
		return nil
	}
	v := sorted[rank(n, q)]
	return &v
}

// rank is the index of a percentile. The subtraction keeps 0.9 × 10, which is a little more
// than 9 in binary, at the ninth.
func rank(n int, q float64) int {
	return max(0, int(math.Ceil(q*float64(n)-1e-9))-1)
}

// Range is where a percentile lies in 95 of 100 measurements like this one, if samples do not
// depend on each other. High is null where the samples set no bound: of a hundred, the largest may
// be far below what happens to one in a hundred.
type Range struct {
	Low  *float64 `json:"low"`
	High *float64 `json:"high"`
}

// rangeOf reads the range of a percentile off the order of sorted samples: how many of n lie below
// the true one is distributed binomially, here as a normal distribution. nil where the percentile is.
func rangeOf(sorted []float64, q float64) *Range {
	if percentile(sorted, q) == nil {
		return nil
	}
	n := float64(len(sorted))
	wide := 1.96 * math.Sqrt(n*q*(1-q))
	at := func(below float64) *float64 {
		i := int(below) - 1
		if i >= len(sorted) {
			return nil
		}
		v := sorted[max(0, i)]
		return &v
	}
	return &Range{at(math.Floor(n*q - wide)), at(math.Ceil(n*q+wide) + 1)}
}

// Point is one of a curve: a share Q of the samples is not above V.
type Point struct {
	Q float64 `json:"q"`
	V float64 `json:"v"`
}

// curve is what a plot needs of sorted samples: every hundredth, and the tail more closely
// where there are samples for it.
func curve(sorted []float64) []Point {
	if len(sorted) == 0 {
		return nil
	}
	shares := make([]float64, 0, 120)
	for i := range 100 {
		shares = append(shares, float64(i)/100)
	}
	shares = append(shares, 0.992, 0.995, 0.997, 0.998, 0.999, 0.9995, 0.9999)
	var points []Point
	for _, q := range shares {
		if float64(len(sorted))*(1-q) >= 1-1e-9 {
			points = append(points, Point{q, sorted[rank(len(sorted), q)]})
		}
	}
	return append(points, Point{1, slices.Max(sorted)})
}
