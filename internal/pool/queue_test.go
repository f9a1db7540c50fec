package pool_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/receipt"
)

func TestQueueLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: time.Second}, func(s *pool.Settings) { s.QueueLimit = 3 })
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		var accepted []<-chan answer
		for range 3 {
			accepted = append(accepted, h.spawn(fn, ""))
		}
		synctest.Wait()
		refused := h.call(t.Context(), fn, "")
		throttle(t, refused.err)
		if refused.took != 0 {
			t.Errorf("the throttle took %v", refused.took)
		}
		for _, c := range accepted {
			if a := <-c; a.err != nil {
				t.Errorf("an accepted request failed: %v", a.err)
			}
		}
	})
}

func TestQueueTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, func(s *pool.Settings) { s.MemoryBudget, s.QueueTimeout = 128, 2*time.Second })
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		busy := h.spawn(fn, "1m")
		synctest.Wait()
		a := h.call(t.Context(), fn, "")
		throttle(t, a.err)
		if a.took != 2*time.Second {
			t.Errorf("throttled after %v, want 2s", a.took)
		}
		h.sums(a)
		synctest.Wait()
		if s := h.Stats(); s.Waiting != 0 || s.Starting != 0 {
			t.Errorf("stats = %+v: the start should have been called off", s)
		}
		<-busy
	})
}

func TestALaunchMayTakeLongerThanTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 20 * time.Second}, func(s *pool.Settings) { s.QueueTimeout = time.Second })
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		if a := h.ok(fn, ""); a.took != 20*time.Second {
			t.Errorf("took %v", a.took)
		}
	})
}

func TestCallerThatLeavesIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: time.Second}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		left := errors.New("caller left")
		ctx, leave := context.WithCancelCause(t.Context())
		got := make(chan answer, 1)
		go func() { got <- h.call(ctx, fn, "") }()
		synctest.Wait()
		leave(left)
		if a := <-got; !errors.Is(a.err, left) {
			t.Errorf("err = %v", a.err)
		}
		time.Sleep(time.Second + ms)
		if s := h.Stats(); s.Idle != 1 || s.Waiting != 0 {
			t.Errorf("stats = %+v: the instance should be idle for the next", s)
		}
		if a := h.ok(fn, ""); a.rec.Start != receipt.Warm {
			t.Errorf("start = %s", a.rec.Start)
		}
	})
}

func TestFailedStartIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &starter{boot: ms, failure: func(n int, _ *lambda.Target) error {
			if n == 1 {
				return errors.New("no cgroup")
			}
			return nil
		}}
		h := newHost(t, s, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		if a := h.ok(fn, ""); a.took != 2*ms {
			t.Errorf("took %v", a.took)
		}
	})
}

func TestFailedStartsAreBornByOneRequestEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inTurn := func(n int) (time.Duration, bool) { return time.Duration(n) * 10 * ms, true }
		s := &starter{stall: inTurn, failure: func(n int, _ *lambda.Target) error {
			if n <= 2 {
				return errors.New("no cgroup")
			}
			return nil
		}}
		h := newHost(t, s, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		var all []<-chan answer
		for range 4 {
			all = append(all, h.spawn(fn, ms.String()))
			synctest.Wait()
		}
		failures := 0
		for _, c := range all {
			if a := <-c; a.err != nil {
				failures++
				var e *lambda.Error
				if !errors.As(a.err, &e) || e.Kind != lambda.ErrService {
					t.Errorf("err = %v", a.err)
				}
			}
		}
		if failures != 1 {
			t.Errorf("%d requests failed, want 1", failures)
		}
	})
}

func TestStartsThatAlwaysFailEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &starter{boot: ms, failure: func(int, *lambda.Target) error { return errors.New("no cgroup") }}
		h := newHost(t, s, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		var all []<-chan answer
		for range 6 {
			all = append(all, h.spawn(fn, ""))
		}
		for _, c := range all {
			if a := <-c; a.err == nil {
				t.Error("a request succeeded")
			}
		}
		synctest.Wait()
		if starts, _ := h.starter.live(); starts > 2*6 {
			t.Errorf("%d starts for 6 requests", starts)
		}
	})
}

func TestFinalErrorIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		invalid := lambda.NewError(lambda.ErrInvalidRuntime, "no python3.99 here")
		s := &starter{failure: func(int, *lambda.Target) error { return invalid }}
		h := newHost(t, s, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		if a := h.call(t.Context(), fn, ""); !errors.Is(a.err, invalid) {
			t.Errorf("err = %v", a.err)
		}
		if starts, _ := h.starter.live(); starts != 1 {
			t.Errorf("%d starts", starts)
		}
	})
}

func TestStartIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: time.Hour}, func(s *pool.Settings) { s.StartTimeout = 5 * time.Second })
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		if a := h.call(t.Context(), fn, ""); a.err == nil || a.took != 10*time.Second {
			t.Errorf("err = %v after %v, want one after two starts of 5s", a.err, a.took)
		}
	})
}

func TestCallerThatLeavesAsItIsServed(t *testing.T) {
	for range 32 { // both happen at one moment: either may win
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t, &starter{boot: 10 * ms}, nil) // its end finds what is lost
			fn := target("f", 1)
			h.Keep(fn.ID, fn)
			ctx, stop := context.WithTimeoutCause(t.Context(), 10*ms, errors.New("left"))
			defer stop()
			h.call(ctx, fn, "")
			synctest.Wait()
			if s := h.Stats(); s.Idle != 1 || s.Busy != 0 {
				t.Errorf("stats = %+v", s)
			}
		})
	}
}
