package stem

import (
	"math"
	"time"
)

// memory is how long a peak of demand is remembered at least; at most twice that.
const memory = 5 * time.Minute

// slowest bounds how long the making of one stem counts, so that a busy minute does not
// make a bed large for an hour.
const slowest = time.Second

// rounding is what sums of fractions may be above a whole number that they mean.
const rounding = 1e-6

// demand measures how many stems would have had to be ready, so that none of the takes so
// far had met an empty bed. The zero value is ready. See the package comment.
type demand struct {
	level float64       // of the bucket at last
	last  time.Time     // latest take
	each  time.Duration // in which one stem is made, on average
	peaks [2]float64    // highest level of this period and of the one before
	began time.Time     // of this period
}

// take notes a take.
func (d *demand) take(now time.Time) {
	d.turn(now)
	if d.each > 0 {
		d.level = max(d.level-float64(now.Sub(d.last))/float64(d.each), 0)
	} else {
		d.level = 0
	}
	d.level++
	d.last = now
	d.peaks[0] = max(d.peaks[0], d.level)
}

// made notes how long the making of a stem took; the average follows slowly.
func (d *demand) made(took time.Duration) {
	took = min(took, slowest)
	if d.each == 0 {
		d.each = took
		return
	}
	d.each += (took - d.each) / 8
}

// peak is the highest level lately, as a number of stems.
func (d *demand) peak(now time.Time) int {
	d.turn(now)
	return int(math.Ceil(max(d.peaks[0], d.peaks[1], rounding) - rounding))
}

// turn begins a new period when this one is over.
func (d *demand) turn(now time.Time) {
	since := now.Sub(d.began)
	if since < memory {
		return
	}
	d.peaks[1] = d.peaks[0]
	if since >= 2*memory { // nothing happened for a whole period
		d.peaks[1] = 0
	}
	d.peaks[0], d.began = 0, now
}
