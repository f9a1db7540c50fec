package pool_test

import (
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/receipt"
)

// shared makes a function whose instances take n requests at once.
func shared(n int) *lambda.Target {
	t := target("fn", 1)
	t.Concurrency = n
	return t
}

func TestSlotsAreFilledBeforeAnotherStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 100 * ms}, nil)
		fn := shared(3)
		h.Keep(fn.ID, fn)
		h.ok(fn, "")
		var got []<-chan answer
		for range 3 {
			got = append(got, h.spawn(fn, "50ms"))
		}
		synctest.Wait()
		if s := h.Stats(); s.Busy != 1 || s.Starting != 0 || s.Waiting != 0 {
			t.Errorf("three requests in three slots: %+v", s)
		}
		late := h.spawn(fn, "1ms")
		synctest.Wait()
		if s := h.Stats(); s.Starting != 1 || s.Waiting != 1 {
			t.Errorf("a fourth: %+v", s)
		}
		for _, g := range got {
			if a := <-g; a.err != nil || a.rec.Start != receipt.Warm || a.body != "box-1 generation 1" {
				t.Errorf("%+v", a)
			}
		}
		if a := <-late; a.err != nil || a.took != 51*ms || a.rec.Start != receipt.Warm { // a slot became free before the start ended
			t.Errorf("%+v", a)
		}
	})
}

func TestOneStartServesAllThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 100 * ms}, nil)
		fn := shared(4)
		h.Keep(fn.ID, fn)
		var got []<-chan answer
		for range 5 {
			got = append(got, h.spawn(fn, "50ms"))
		}
		synctest.Wait()
		if s := h.Stats(); s.Starting != 2 || s.Waiting != 5 {
			t.Errorf("five requests for instances of four slots: %+v", s)
		}
		for _, g := range got {
			a := <-g
			h.sums(a)
			if a.err != nil || a.rec.Start != receipt.Cold || a.rec.Why == "" || a.took != 150*ms {
				t.Errorf("%+v", a)
			}
		}
		if s := h.Stats(); s.Idle != 2 || s.Busy != 0 {
			t.Errorf("afterwards: %+v", s)
		}
	})
}

// An instance in which a request timed out gets no other until it is empty, and then it
// is as good as new.
func TestAnInstanceThatEmptiesItselfIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 10 * ms}, nil)
		fn := shared(3)
		h.Keep(fn.ID, fn)
		h.ok(fn, "")
		long := h.spawn(fn, "200ms")
		if a := <-h.spawn(fn, "20ms taint"); a.err != nil || a.rec.Fault != "Sandbox.Timedout" {
			t.Errorf("%+v", a)
		}
		if a := <-h.spawn(fn, "1ms"); a.err != nil || a.body != "box-2 generation 1" || a.rec.Why == "" {
			t.Errorf("%+v", a)
		}
		if a := <-long; a.err != nil || a.body != "box-1 generation 1" || a.took != 200*ms {
			t.Errorf("%+v", a)
		}
		synctest.Wait()
		if s := h.Stats(); s.Idle != 2 || h.starter.box(0).isClosed() {
			t.Errorf("%+v", s)
		}
	})
}

func TestUpdatesWaitForEverySlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 10 * ms}, nil)
		fn := shared(2)
		h.Keep(fn.ID, fn)
		h.ok(fn, "")
		long, short := h.spawn(fn, "100ms"), h.spawn(fn, "10ms")
		synctest.Wait()
		next := shared(2)
		next.Version.Generation = 2
		h.Keep(next.ID, next)
		<-short
		synctest.Wait()
		if h.starter.box(0).isClosed() {
			t.Error("closed while a request runs in it")
		}
		if a := <-long; a.err != nil {
			t.Error(a.err)
		}
		synctest.Wait()
		if !h.starter.box(0).isClosed() {
			t.Error("the old generation stays")
		}
	})
}

// A frozen instance is thawed once, by the first of those that come together.
func TestManyRequestsMeetAFrozenInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 10 * ms, freeze: ms}, func(s *pool.Settings) { s.FreezeAfter = 5 * ms })
		fn := shared(8)
		h.Keep(fn.ID, fn)
		h.ok(fn, "")
		time.Sleep(5*ms + 500*time.Microsecond) // in the middle of the freeze
		var got []<-chan answer
		for range 8 {
			got = append(got, h.spawn(fn, "1ms"))
		}
		for _, g := range got {
			if a := <-g; a.err != nil {
				t.Errorf("%+v", a)
			}
		}
		if _, thaws := h.starter.box(0).ice(); thaws != 1 {
			t.Errorf("thawed %d times", thaws)
		}
	})
}
