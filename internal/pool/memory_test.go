package pool_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/receipt"
)

func budget(mib int) func(*pool.Settings) {
	return func(s *pool.Settings) { s.MemoryBudget = mib }
}

func TestLeastRecentlyUsedMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, budget(384))
		a, b, c, d := target("a", 1), target("b", 1), target("c", 1), target("d", 1)
		for _, fn := range []*lambda.Target{a, b, c, d} {
			h.Keep(fn.ID, fn)
		}
		for _, fn := range []*lambda.Target{a, b, c, a} { // b is the oldest now
			h.ok(fn, "")
			time.Sleep(time.Second)
		}
		h.ok(d, "")
		for _, fn := range []*lambda.Target{a, c, d} {
			if got := h.ok(fn, ""); got.rec.Start != receipt.Warm {
				t.Errorf("%s: %s, %q", fn.ID.Name, got.rec.Start, got.rec.Why)
			}
		}
		got := h.ok(b, "")
		if got.rec.Start != receipt.Cold || got.rec.Why != "the instance was closed to free memory for others" {
			t.Errorf("b: %s, %q", got.rec.Start, got.rec.Why)
		}
	})
}

func TestOnlyAsMuchAsNeededIsEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{close: 10 * ms}, budget(512))
		small := target("small", 1)
		h.Keep(small.ID, small)
		var all []<-chan answer
		for range 4 {
			all = append(all, h.spawn(small, "1s"))
		}
		for _, c := range all {
			<-c
		}
		big := other("big", 256)
		h.Keep(big.ID, big)
		if a := h.ok(big, ""); a.took != 10*ms || a.rec.Spent[receipt.Queue] != 10*ms {
			t.Errorf("took %v, phases %v: want the time of closing as queue", a.took, a.rec.Spent)
		}
		if s := h.Stats(); s.Idle != 3 || s.Memory != 512 {
			t.Errorf("stats = %+v, want two small and one big", s)
		}
	})
}

func TestWaitsForMemoryOfBusyInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, budget(128))
		a, b := target("a", 1), target("b", 1)
		h.Keep(a.ID, a)
		h.Keep(b.ID, b)
		running := h.spawn(a, "3s")
		synctest.Wait()
		got := h.ok(b, "")
		if got.took != 3*time.Second || !strings.HasSuffix(got.body, "generation 1") {
			t.Errorf("took %v", got.took)
		}
		<-running
	})
}

func TestLargeClaimIsNotStarved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, budget(256))
		small, big := target("small", 1), other("big", 256)
		h.Keep(small.ID, small)
		h.Keep(big.ID, big)
		h.spawn(small, "1s")
		h.spawn(small, "2s")
		synctest.Wait()
		large := h.spawn(big, "")
		synctest.Wait()
		late := target("late", 1)
		h.Keep(late.ID, late)
		after := h.spawn(late, "")
		if a := <-large; a.took != 2*time.Second {
			t.Errorf("the large one took %v", a.took)
		}
		if a := <-after; a.err != nil || a.took < 2*time.Second {
			t.Errorf("the small one behind it: %v, %v", a.took, a.err)
		}
	})
}

func TestAFunctionThatNeverFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, budget(512))
		fn := other("huge", 1024)
		h.Keep(fn.ID, fn)
		a := h.call(t.Context(), fn, "")
		var e *lambda.Error
		if !errors.As(a.err, &e) || e.Kind != lambda.ErrService || !strings.Contains(e.Message, "1024 MB") || a.took != 0 {
			t.Errorf("err = %v after %v", a.err, a.took)
		}
	})
}

func TestAStartWithoutMemoryIsCalledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, budget(128))
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		busy := h.spawn(fn, "1s")
		synctest.Wait()
		if a := h.ok(fn, "1s"); a.rec.Start != receipt.Warm || a.took != 2*time.Second {
			t.Errorf("%s after %v", a.rec.Start, a.took)
		}
		<-busy
		synctest.Wait()
		if starts, _ := h.starter.live(); starts != 1 {
			t.Errorf("%d starts, want 1: the other one was not needed", starts)
		}
		if s := h.Stats(); s != (pool.Stats{Idle: 1, Memory: 128}) {
			t.Errorf("stats = %+v", s)
		}
	})
}

// Two instances become free at once; one of them serves the request that waited. The start that
// was begun for it is called off and must not cost the other one its life.
func TestAStartThatWasCalledOffEvictsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, budget(256))
		fn := target("fn", 1)
		h.Keep(fn.ID, fn)
		for range 100 {
			both := []<-chan answer{h.spawn(fn, "1s"), h.spawn(fn, "1s")}
			synctest.Wait()
			waited := h.spawn(fn, "1s")
			for _, c := range append(both, waited) {
				<-c
			}
			synctest.Wait()
			if s := h.Stats(); s.Idle != 2 {
				t.Fatalf("%d instances are left of 2", s.Idle)
			}
		}
	})
}

func TestTheQueueMovesWhenItsHeadLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, budget(256))
		small, big := target("small", 1), other("big", 256)
		h.Keep(small.ID, small)
		h.Keep(big.ID, big)
		busy := h.spawn(small, "1m")
		synctest.Wait()
		ctx, stop := context.WithTimeoutCause(t.Context(), time.Second, errors.New("left"))
		defer stop()
		head := make(chan answer, 1)
		go func() { head <- h.call(ctx, big, "") }()
		synctest.Wait()
		if a := h.ok(small, ""); a.took != time.Second {
			t.Errorf("the one behind took %v, want it served when the head left", a.took)
		}
		<-head
		<-busy
	})
}
