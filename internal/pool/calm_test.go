package pool_test

import (
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/pool"
)

// leavingSoon are settings with which every instance leaves after its request.
func leavingSoon(s *pool.Settings) {
	s.KeepAlive, s.CalmAfter = 0, 5*ms
}

func TestInstanceIsClosedWhenNoneStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 100 * ms}, leavingSoon)
		first, second := target("f", 1), target("g", 1)
		h.ok(first, "1ms")
		answers := h.spawn(second, "1ms") // starts for 100 ms
		time.Sleep(50 * ms)
		if _, open := h.starter.live(); open != 2 {
			t.Errorf("%d instances while one starts, want both", open)
		}
		h.sums(<-answers)
		time.Sleep(10 * ms)
		if _, open := h.starter.live(); open != 0 {
			t.Errorf("%d instances when it is calm", open)
		}
	})
}

// TestInstanceIsClosedWhenNoneIsOpened: one that its request initialises still starts when the
// request has it.
func TestInstanceIsClosedWhenNoneIsOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &preparer{starter: &starter{boot: ms}, init: 100 * ms}
		h := newHostOf(t, p, p.starter, leavingSoon)
		h.ok(target("f", 1), "1ms")
		answers := h.spawn(target("g", 1), "1ms")
		time.Sleep(50 * ms)
		if _, open := h.starter.live(); open != 2 || !h.Starting() {
			t.Errorf("%d instances while one is initialised, want both; starting: %v", open, h.Starting())
		}
		h.sums(<-answers)
		time.Sleep(10 * ms)
		if _, open := h.starter.live(); open != 0 || h.Starting() {
			t.Errorf("%d instances when it is calm; starting: %v", open, h.Starting())
		}
		p.opened(t, 2, 0)
	})
}

func TestInstanceIsClosedAtLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 10 * time.Second}, leavingSoon)
		h.ok(target("f", 1), "1ms")
		answers := h.spawn(target("g", 1), "1ms")
		time.Sleep(2 * time.Second)
		if _, open := h.starter.live(); open != 1 {
			t.Errorf("%d instances, want only the one that starts", open)
		}
		h.sums(<-answers)
	})
}

func TestInstanceIsClosedForItsMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 10 * time.Second}, func(s *pool.Settings) {
			leavingSoon(s)
			s.MemoryBudget = 256 // two of them
		})
		h.ok(target("f", 1), "1ms")
		starting := h.spawn(target("g", 1), "1ms")
		time.Sleep(100 * ms) // f's instance waits for calm
		waiting := h.spawn(target("h", 1), "1ms")
		time.Sleep(100 * ms)
		if starts, open := h.starter.live(); starts != 3 || open != 2 {
			t.Errorf("%d starts, %d instances: the third waits for memory that nobody uses", starts, open)
		}
		h.sums(<-starting)
		h.sums(<-waiting)
	})
}

func TestCloseDoesNotWaitForCalm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, func(s *pool.Settings) { s.KeepAlive, s.CalmAfter = 0, time.Hour })
		h.ok(target("f", 1), "1ms")
		began := time.Now()
		if err := h.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 100*ms {
			t.Errorf("Close took %v", took)
		}
	})
}
