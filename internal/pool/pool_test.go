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

const ms = time.Millisecond

func TestColdThenWarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 40 * ms}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		cold := h.ok(fn, "5ms")
		if cold.rec.Start != receipt.Cold || cold.rec.Why != "first invocation of this version" {
			t.Errorf("first: %s, %q", cold.rec.Start, cold.rec.Why)
		}
		want := [9]time.Duration{0, 10 * ms, 10 * ms, 20 * ms, 5 * ms, 0}
		if cold.rec.Spent != want {
			t.Errorf("phases = %v, want %v", cold.rec.Spent, want)
		}
		warm := h.ok(fn, "5ms")
		if warm.rec.Start != receipt.Warm || warm.rec.Why != "" || warm.took != 5*ms {
			t.Errorf("second: %s, %q, %v", warm.rec.Start, warm.rec.Why, warm.took)
		}
	})
}

func TestMostRecentlyUsedIsReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		slow, slower := h.spawn(fn, "10ms"), h.spawn(fn, "20ms")
		<-slow
		last := (<-slower).body
		for range 3 {
			if got := h.ok(fn, "").body; got != last {
				t.Errorf("served by %q, want %q", got, last)
			}
		}
	})
}

func TestLateBindingTakesTheFreedInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 100 * ms}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		h.ok(fn, "")
		busy := h.spawn(fn, "30ms")
		synctest.Wait()
		second := h.ok(fn, "") // a start begins, the busy one is free before it is done
		if second.took != 30*ms || second.rec.Start != receipt.Warm || second.rec.Spent[receipt.Queue] != 30*ms {
			t.Errorf("took %v, %s, phases %v", second.took, second.rec.Start, second.rec.Spent)
		}
		<-busy
		time.Sleep(100 * ms) // the start that is not needed any more goes idle for the next
		if s := h.Stats(); s.Idle != 2 || s.Starting != 0 {
			t.Errorf("stats = %+v, want two idle", s)
		}
		if starts, _ := h.starter.live(); starts != 2 {
			t.Errorf("%d starts, want 2", starts)
		}
	})
}

func TestLateBindingTakesTheStartedInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 40 * ms}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		h.ok(fn, "")
		busy := h.spawn(fn, "1s")
		synctest.Wait()
		second := h.ok(fn, "")
		if second.took != 40*ms || second.rec.Start != receipt.Cold || second.rec.Why != "the only instance is busy" {
			t.Errorf("took %v, %s, %q", second.took, second.rec.Start, second.rec.Why)
		}
		<-busy
	})
}

func TestLaunchIsClippedToTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 100 * ms}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		h.ok(fn, "")
		busy := h.spawn(fn, "50ms")
		synctest.Wait()
		early := h.spawn(fn, "1s") // its start begins now; the busy instance serves it
		synctest.Wait()
		time.Sleep(50 * ms)
		late := h.ok(fn, "") // gets the start of the early one, half way through
		want := [9]time.Duration{0, 0, 0, 50 * ms, 0, 0}
		if late.rec.Spent != want || late.rec.Start != receipt.Cold {
			t.Errorf("phases = %v (%s), want %v", late.rec.Spent, late.rec.Start, want)
		}
		<-busy
		<-early
	})
}

func TestNeverMoreStartsThanWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 100 * ms}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		var answers []<-chan answer
		for n := 1; n <= 10; n++ {
			answers = append(answers, h.spawn(fn, "10ms"))
			synctest.Wait()
			if s := h.Stats(); s.Starting != n || s.Waiting != n {
				t.Fatalf("after %d requests: %+v", n, s)
			}
		}
		for _, a := range answers {
			<-a
		}
	})
}

func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, func(s *pool.Settings) { s.KeepAlive = 300 * time.Second })
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		for range 3 { // each use starts the time again
			h.ok(fn, "7s")
			time.Sleep(299 * time.Second)
		}
		if s := h.Stats(); s.Idle != 1 || s.Memory != 128 {
			t.Fatalf("before expiry: %+v", s)
		}
		time.Sleep(time.Second + ms)
		if s := h.Stats(); s.Idle != 0 || s.Memory != 0 {
			t.Fatalf("after expiry: %+v", s)
		}
		if a := h.ok(fn, ""); a.rec.Why != "instance expired after 300 s idle" || a.rec.Start != receipt.Cold {
			t.Errorf("%s, %q", a.rec.Start, a.rec.Why)
		}
	})
}

func TestNoKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, func(s *pool.Settings) { s.KeepAlive = 0 })
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		h.ok(fn, "1ms")
		synctest.Wait()
		if s := h.Stats(); s != (pool.Stats{}) {
			t.Errorf("stats = %+v, want nothing left", s)
		}
	})
}

func TestFreezeAfterIdle(t *testing.T) {
	for _, c := range []struct {
		name               string
		after, early, late time.Duration
		wantEarly, want    int
	}{
		{"at once", 0, 0, 5 * time.Second, 1, 1},
		{"after 2 s", 2 * time.Second, 2*time.Second - ms, 2 * ms, 0, 1},
		{"never", -1, time.Minute, time.Minute, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, &starter{}, func(s *pool.Settings) { s.FreezeAfter = c.after })
				fn := target("f", 1)
				h.Keep(fn.ID, fn)
				for round := range 3 {
					h.ok(fn, "10s")
					time.Sleep(c.early)
					synctest.Wait()
					b := h.starter.box(0)
					if freezes, _ := b.ice(); freezes != round*c.want+c.wantEarly {
						t.Fatalf("round %d: %d freezes early", round, freezes)
					}
					time.Sleep(c.late)
					synctest.Wait()
					freezes, thaws := b.ice()
					if freezes != (round+1)*c.want || thaws != round*c.want {
						t.Fatalf("round %d: %d freezes, %d thaws", round, freezes, thaws)
					}
				}
			})
		})
	}
}

func TestRequestWaitsForAFreezeUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{freeze: 20 * ms}, func(s *pool.Settings) { s.FreezeAfter = 0 })
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		h.ok(fn, "")
		time.Sleep(5 * ms)
		a := h.ok(fn, "") // the box reports an Invoke while frozen
		if a.took != 15*ms || a.rec.Start != receipt.Warm {
			t.Errorf("took %v, %s", a.took, a.rec.Start)
		}
	})
}

func TestInstanceThatCannotThawIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &starter{thaw: func(b *box) error { return errors.New("stuck") }}
		h := newHost(t, s, func(s *pool.Settings) { s.FreezeAfter = 0 })
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		h.ok(fn, "")
		synctest.Wait()
		if a := h.ok(fn, ""); !strings.HasPrefix(a.body, "box-2") {
			t.Errorf("answered by %q", a.body)
		}
		synctest.Wait()
		if !h.starter.box(0).isClosed() {
			t.Error("the stuck instance was not closed")
		}
	})
}

func TestDeadIdleInstanceIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		h.ok(fn, "")
		h.starter.box(0).die()
		synctest.Wait()
		if s := h.Stats(); s.Idle != 0 || s.Memory != 0 {
			t.Errorf("stats = %+v", s)
		}
		if a := h.ok(fn, ""); a.rec.Why != "the instance ended while it was idle" {
			t.Errorf("why = %q", a.rec.Why)
		}
	})
}

func TestDeadInstanceIsPassedOver(t *testing.T) {
	for range 32 { // the pool may or may not have noticed when the request comes
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t, &starter{}, nil)
			fn := target("f", 1)
			h.Keep(fn.ID, fn)
			h.ok(fn, "")
			b := h.starter.box(0)
			b.die()
			if a := h.ok(fn, ""); a.rec.Why != "the instance ended while it was idle" {
				t.Errorf("why = %q", a.rec.Why)
			}
			if b.refused != 0 {
				t.Error("a dead instance was given a request")
			}
		})
	}
}

func TestSpentInstancesAreNamed(t *testing.T) {
	for payload, why := range map[string]string{
		"crash": "the instance crashed before", "timeout": "the instance timed out before",
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t, &starter{}, nil)
			fn := target("f", 1)
			h.Keep(fn.ID, fn)
			h.ok(fn, payload)
			if a := h.ok(fn, ""); a.rec.Why != why || a.rec.Start != receipt.Cold {
				t.Errorf("%s: %s, %q", payload, a.rec.Start, a.rec.Why)
			}
		})
	}
}

func TestRestartedRuntimeIsNotWarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		h.ok(fn, "reset-timeout")
		for _, c := range []struct {
			payload, why string
			start        receipt.StartKind
		}{
			{"reinit 5ms", "the instance timed out before", receipt.Cold},
			{"5ms", "", receipt.Warm},
			{"reinit 5ms", "the runtime had ended before", receipt.Cold},
		} {
			a := h.ok(fn, c.payload)
			if a.rec.Start != c.start || a.rec.Why != c.why {
				t.Errorf("%s: %s, %q; want %s, %q", c.payload, a.rec.Start, a.rec.Why, c.start, c.why)
			}
		}
	})
}

func TestCallerThatLeavesDoesNotStopTheFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		ctx, stop := context.WithTimeoutCause(t.Context(), 10*ms, errors.New("left"))
		defer stop()
		if a := h.call(ctx, fn, "50ms"); a.err != nil || a.took != 50*ms {
			t.Errorf("err = %v after %v", a.err, a.took)
		}
		if a := h.call(ctx, fn, ""); a.err == nil || a.err.Error() != "left" {
			t.Errorf("a caller that had left was served: %v", a.err)
		}
		if s := h.Stats(); s.Idle != 1 {
			t.Errorf("stats = %+v", s)
		}
	})
}

func TestGoneInstanceIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: ms}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		var all []<-chan answer
		for range 5 {
			all = append(all, h.spawn(fn, "10ms"))
		}
		for _, a := range all {
			<-a
		}
		for i := range 5 {
			h.starter.box(i).lose()
		}
		a := h.ok(fn, "")
		if !strings.HasPrefix(a.body, "box-6") || a.rec.Start != receipt.Cold {
			t.Errorf("answered by %q, %s: want a new one after two attempts", a.body, a.rec.Start)
		}
	})
}

func TestGoneForEverIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		a := h.call(t.Context(), fn, "gone")
		var e *lambda.Error
		if !errors.As(a.err, &e) || e.Kind != lambda.ErrService {
			t.Errorf("err = %v", a.err)
		}
		if starts, _ := h.starter.live(); starts != 3 {
			t.Errorf("%d attempts, want 3", starts)
		}
	})
}

func TestPanickingSinkGivesTheInstanceBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		func() {
			defer func() { _ = recover() }()
			h.call(t.Context(), fn, "panic")
		}()
		synctest.Wait()
		if s := h.Stats(); s != (pool.Stats{}) {
			t.Errorf("stats = %+v, want nothing left", s)
		}
	})
}

func TestTenantsDoNotShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		bodies := map[string]bool{}
		for _, tenant := range []string{"a", "b", "", "a", "b"} {
			sink := &lambda.Buffer{Cap: 100}
			inv := &lambda.Invocation{Function: fn.ID, Target: fn, TenantID: tenant}
			if _, err := h.Invoke(t.Context(), inv, sink); err != nil {
				t.Fatal(err)
			}
			bodies[string(sink.Bytes())] = true
		}
		if len(bodies) != 3 {
			t.Errorf("%d instances served 3 tenants: %v", len(bodies), bodies)
		}
	})
}

func TestCloseFinishesWhatItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 10 * ms, close: 10 * ms}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		h.ok(fn, "")
		running, waiting := h.spawn(fn, "50ms"), h.spawn(fn, "50ms")
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- h.Close(context.Background()) }()
		synctest.Wait()
		if a := h.call(t.Context(), fn, ""); !errors.Is(a.err, pool.ErrClosed) {
			t.Errorf("after Close: err = %v", a.err)
		}
		for _, c := range []<-chan answer{running, waiting} {
			if a := <-c; a.err != nil {
				t.Errorf("an accepted request failed: %v", a.err)
			}
		}
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

func TestCloseInAHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: time.Second}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		h.ok(fn, "")
		running, waiting := h.spawn(fn, "1h"), h.spawn(fn, "1h")
		synctest.Wait()
		hurry, stop := context.WithTimeoutCause(t.Context(), 50*ms, errors.New("time is up"))
		defer stop()
		if err := h.Close(hurry); err == nil {
			t.Error("Close hid that it cut requests short")
		}
		for _, c := range []<-chan answer{running, waiting} {
			if a := <-c; a.err == nil || a.took > 51*ms {
				t.Errorf("err = %v after %v", a.err, a.took)
			}
		}
	})
}

func TestSettingsAreChecked(t *testing.T) {
	_, err := pool.New(&starter{}, pool.Settings{MemoryBudget: -1, KeepAlive: -1})
	for _, want := range []string{"keep-alive", "queue limit", "queue timeout", "start timeout", "memory budget"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name the %s", err, want)
		}
	}
}

func TestLostInstanceIsAServiceError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		running := h.spawn(fn, "1s")
		synctest.Wait()
		h.starter.box(0).die() // the event was delivered: nobody else may run it
		a := <-running
		var e *lambda.Error
		if !errors.As(a.err, &e) || e.Kind != lambda.ErrService || e.Cause == nil {
			t.Errorf("err = %v", a.err)
		}
		if starts, _ := h.starter.live(); starts != 1 {
			t.Errorf("%d starts: the event was given to another", starts)
		}
		h.sums(a)
	})
}
