package neighbour_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/neighbour"
	"lambent.dev/lambent/internal/receipt"
)

const ms = time.Millisecond

func counts(cpu time.Duration) func() (time.Duration, bool) {
	return func() (time.Duration, bool) { return cpu, true }
}

func TestDuring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b neighbour.Board
		mine := b.Join("match", counts(0))
		ended, running, idle, tiny, left := b.Join("resize", counts(0)), b.Join("burn", counts(1100*ms)), b.Join("idle", counts(9*time.Second)), b.Join("tiny", counts(0)), b.Join("left", counts(0))
		running.Begin("running", 1000*ms)
		ended.Begin("ended", 0)
		tiny.Begin("tiny", 0)
		time.Sleep(20 * ms)
		from := time.Now()
		mine.Begin("mine", 0)
		left.Begin("left", 0)
		time.Sleep(20 * ms)
		ended.End(30 * ms) // half of its time was before
		tiny.End(time.Microsecond)
		left.End(7 * ms)
		left.Leave()
		left.Leave()
		time.Sleep(20 * ms)
		mine.End(40 * ms)
		to := time.Now()
		time.Sleep(40 * ms)
		want := []receipt.Neighbour{{Function: "burn", CPU: 40 * ms}, {Function: "resize", CPU: 15 * ms}, {Function: "left", CPU: 7 * ms}}
		if diff := cmp.Diff(want, b.During(from, to, "mine")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		idle.Leave()
		if got := b.During(to.Add(time.Hour), to.Add(2*time.Hour), "mine"); got != nil {
			t.Errorf("in the future: %v", got)
		}
	})
}

// TestMemoryIsBounded runs far more than is remembered.
func TestMemoryIsBounded(t *testing.T) {
	var b neighbour.Board
	from := time.Now()
	for i := range 200 {
		m := b.Join(fmt.Sprint("fn", i), counts(0))
		for j := range 100 {
			m.Begin(fmt.Sprint(j), 0)
			m.End(time.Second)
		}
		m.Leave()
	}
	if n := len(b.During(from, time.Now(), "")); n != 16 {
		t.Errorf("%d neighbours are named", n)
	}
}

func TestNobodyRemembers(t *testing.T) {
	var b *neighbour.Board
	m := b.Join("fn", counts(0))
	m.Begin("r", 0)
	m.End(time.Second)
	m.Leave()
	if got := b.During(time.Time{}, time.Now(), ""); got != nil {
		t.Error(got)
	}
}

func TestManyAtOnce(t *testing.T) {
	var b neighbour.Board
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				m := b.Join("fn", counts(time.Second))
				m.Begin("r", 0)
				b.During(time.Now().Add(-time.Second), time.Now(), "other")
				m.End(ms)
				m.Leave()
			}
		})
	}
	all.Wait()
}

// BenchmarkSpan is what a warm invocation pays.
func BenchmarkSpan(b *testing.B) {
	var board neighbour.Board
	m := board.Join("fn", counts(0))
	b.ReportAllocs()
	for b.Loop() {
		m.Begin("r", 0)
		m.End(ms)
	}
}
