package pool

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Every gap is in a range that ends above it, by a quarter or a millisecond at most.
func TestBuckets(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(longestGap)).Draw(rt, "gap"))
		i := bucketOf(d)
		if i < 0 || i >= gapBuckets {
			rt.Fatalf("%v is in range %d", d, i)
		}
		if end := bucketEnd(i); end <= d || end > d+d/4+2*time.Millisecond {
			rt.Fatalf("%v is in the range that ends at %v", d, end)
		}
	})
}

func TestMostGaps(t *testing.T) {
	var g gaps
	for range gapsWanted - 1 {
		g.see(time.Second)
	}
	if d := g.most(); d != longestGap {
		t.Errorf("of too few: %v", d)
	}
	g.see(time.Second)
	if d := g.most(); d < time.Second || d > 1250*time.Millisecond {
		t.Errorf("of a hundred that are 1 s: %v", d)
	}
	g.see(time.Hour) // one of 101
	if d := g.most(); d > 1250*time.Millisecond {
		t.Errorf("with one long one: %v", d)
	}
	for range 5 {
		g.see(time.Hour)
	}
	if d := g.most(); d < time.Hour || d > 75*time.Minute {
		t.Errorf("with six long ones: %v", d)
	}
	for range 10 {
		g.miss(time.Now()) // nothing was closed before: there never were so many at once
	}
	if d := g.most(); d != longestGap {
		t.Errorf("with too many that nothing would have spared: %v", d)
	}
}

// The fraction of requests that most leaves out is never more than one of a hundred.
func TestMostLeavesOutOneOfAHundred(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var g gaps
		all := rapid.SliceOfN(rapid.Int64Range(0, int64(longestGap)), gapsWanted, 400).Draw(rt, "gaps")
		for _, d := range all {
			g.see(time.Duration(d))
		}
		longer, most := 0, g.most()
		for _, d := range all {
			if time.Duration(d) > most {
				longer++
			}
		}
		if longer*100 > len(all) {
			rt.Fatalf("%d of %d are longer than %v", longer, len(all), most)
		}
	})
}

func TestGapsAreForgotten(t *testing.T) {
	var g gaps
	for range gapsKept {
		g.see(time.Hour)
	}
	for range 8 * gapsKept {
		g.see(time.Second)
	}
	if d := g.most(); d > 2*time.Second {
		t.Errorf("after a change: %v", d)
	}
}
