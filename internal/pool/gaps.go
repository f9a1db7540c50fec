package pool

import (
	"math/bits"
	"time"
)

// gaps are the idle times that requests met: for each, how long the instance that it got,
// or would have got, had not been used. Requests take the most recently used instance, so
// the n-th gap is that of the n-th at once, and a keep-alive of d would have spared all
// requests a cold start whose gap is at most d, whatever the concurrency was.
//
// A cold request has the gap of the instance that was closed last. The gaps therefore do
// not depend on the keep-alive that held while they were measured.
//
// Source of the method, for one instance per function: Shahrad et al., "Serverless in the
// Wild", USENIX ATC 2020, which keeps a histogram of idle times and takes its tail.
type gaps struct {
	count  [gapBuckets]uint32
	total  uint32 // of count and of those that are longer
	closed []time.Time
}

const (
	// longestGap is the longest that is told from none at all, 4 h as in the source.
	longestGap = 4 * time.Hour
	// gapBuckets are four to each doubling, from a millisecond on.
	gapBuckets = 92
	// gapsWanted is from how many gaps on their 99th percentile means something.
	gapsWanted = 100
	// gapsKept is after how many half of them are forgotten: the tail then still has fifty.
	gapsKept = 10_000
	// closedKept bounds the memory of what was closed; it is AWS's limit of concurrency.
	closedKept = 1000
)

// see notes a gap.
func (g *gaps) see(d time.Duration) {
	if i := bucketOf(d); i < gapBuckets {
		g.count[i]++
	}
	if g.total++; g.total >= gapsKept {
		g.age()
	}
}

func (g *gaps) age() {
	for i := range g.count {
		g.count[i] /= 2
	}
	g.total /= 2
}

// bury notes that an instance was closed that was last used at a time.
func (g *gaps) bury(used time.Time) {
	if len(g.closed) == closedKept {
		g.closed = append(g.closed[:0], g.closed[1:]...)
	}
	g.closed = append(g.closed, used)
}

// miss notes the gap of a request that got a fresh instance.
func (g *gaps) miss(now time.Time) {
	gap := longestGap + 1
	if n := len(g.closed); n > 0 {
		gap = now.Sub(g.closed[n-1])
		g.closed = g.closed[:n-1]
	}
	g.see(gap)
}

// most is a gap that 99 of 100 do not exceed: the longest of all where they do, or where
// too few are known.
func (g *gaps) most() time.Duration {
	if g.total < gapsWanted {
		return longestGap
	}
	left := g.total - g.total/100
	for i, n := range g.count {
		if n >= left {
			return min(bucketEnd(i), longestGap)
		}
		left -= n
	}
	return longestGap
}

// bucketOf numbers the ranges of gaps: whole milliseconds below 4, then four to a doubling.
func bucketOf(d time.Duration) int {
	if d > longestGap {
		return gapBuckets
	}
	v := uint64(max(d, 0) / time.Millisecond)
	e := max(bits.Len64(v)-3, 0)
	return e*4 + int(v>>e)
}

// bucketEnd is where a range ends; it is at most a quarter above what is in it.
func bucketEnd(i int) time.Duration {
	e := max(i/4-1, 0)
	return time.Duration(i-e*4+1) << e * time.Millisecond
}
