package event

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/queue"
)

func bubble(t *testing.T, l *line, test func(r *rig), change ...func(*Settings)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, l, change...)
		test(r)
		r.stop()
	})
}

func TestEventRunsAtOnce(t *testing.T) {
	got := make(chan lambda.Invocation, 1)
	l := newLine(func(_ context.Context, inv *lambda.Invocation, sink lambda.Sink) error {
		got <- *inv
		_, err := sink.Write([]byte("nobody reads this"))
		sink.Finish(nil)
		return err
	})
	bubble(t, l, func(r *rig) {
		time.Sleep(300 * time.Millisecond)
		want := lambda.Invocation{
			RequestID: "id", Function: named("f"), Qualifier: "live", Type: lambda.Event, Payload: []byte("{\"a\":\n1}"), TraceID: "Root=1", TenantID: "t",
		}
		given := want
		given.Arrived, given.ClientContext, given.TailLog = time.Now(), []byte("{}"), true
		if err := r.Accept(r.t.Context(), &given); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // no clock moves: it did not wait for a poll
		if diff := cmp.Diff(want, <-got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		r.wantLeft(0, 0)
		if diff := cmp.Diff(Counts{Accepted: 1, Ended: 1}, r.Counts()); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

func TestAcceptRefuses(t *testing.T) {
	gone := lambda.NewError(lambda.ErrResourceNotFound, "Function not found: f")
	l := newLine(answer(0, nil))
	bubble(t, l, func(r *rig) {
		inv := &lambda.Invocation{RequestID: "id", Function: named("f")}
		l.resolve = gone
		if err := r.Accept(r.t.Context(), inv); !errors.Is(err, gone) {
			t.Errorf("err = %v, want the router's", err)
		}
		l.resolve = nil
		full := errors.New("the disk is full")
		r.queue.setBroken(full)
		if err := r.Accept(r.t.Context(), inv); !errors.Is(err, full) {
			t.Errorf("err = %v, want the queue's", err)
		}
		r.queue.setBroken(nil)
		if n := r.Counts().Accepted; n != 0 {
			t.Errorf("%d accepted", n)
		}
	})
}

// A function's own error ends the event after its one run.
func TestFunctionErrorEndsTheEvent(t *testing.T) {
	bubble(t, newLine(answer(0, &lambda.FunctionError{Type: "ValueError"})), func(r *rig) {
		r.accept("f", 1)
		time.Sleep(time.Hour)
		if n := len(r.line.runs()); n != 1 {
			t.Errorf("ran %d times", n)
		}
		r.wantLeft(0, 0)
	})
}

// Errors that may pass bring an event back after 1 s, 2 s, 4 s … 5 min, until it is too old.
func TestBackoff(t *testing.T) {
	for name, err := range map[string]error{
		"throttle":  throttle(),
		"not ready": lambda.NewError(lambda.ErrResourceConflict, "Pending"),
		"platform":  lambda.NewError(lambda.ErrService, "could not be started"),
		"other":     errors.New("unknown"),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, newLine(func(context.Context, *lambda.Invocation, lambda.Sink) error { return err }), func(r *rig) {
				r.accept("f", 1)
				time.Sleep(20 * time.Minute)
				var gaps []time.Duration
				runs := r.line.runs()
				for i := 1; i < len(runs); i++ {
					gaps = append(gaps, (runs[i].at - runs[i-1].at).Round(time.Second))
				}
				s := time.Second
				if diff := cmp.Diff([]time.Duration{s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 64 * s, 128 * s, 256 * s, 300 * s, 300 * s}, gaps); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
				r.wantLeft(1, 0)
				time.Sleep(DefaultMaxAge)
				r.wantLeft(0, 0)
				if r.Counts().Dropped != 1 {
					t.Errorf("counts %+v, want it dropped for its age", r.Counts())
				}
			})
		})
	}
}

func TestGoneFunctionsEventIsDropped(t *testing.T) {
	gone := lambda.NewError(lambda.ErrResourceNotFound, "Function not found: f")
	bubble(t, newLine(func(context.Context, *lambda.Invocation, lambda.Sink) error { return gone }), func(r *rig) {
		r.accept("f", 1)
		synctest.Wait()
		r.wantLeft(0, 0)
		if r.Counts().Dropped != 1 {
			t.Errorf("counts %+v", r.Counts())
		}
	})
}

func TestForeignItemIsDropped(t *testing.T) {
	bubble(t, newLine(answer(0, nil)), func(r *rig) {
		if err := r.queue.Put(r.t.Context(), queue.Item{Group: Group, Function: "f", Body: []byte("?")}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * poll)
		r.wantLeft(0, 0)
		if n := len(r.line.runs()); n != 0 || r.Counts().Dropped != 1 {
			t.Errorf("ran %d times, %+v", n, r.Counts())
		}
	})
}

// Never more than the bound run at once, and of one function never more than its part: the
// events of others go on beside a slow one.
func TestBounds(t *testing.T) {
	l := newLine(func(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink) error {
		if inv.Function.Name == "slow" {
			return answer(time.Hour, nil)(ctx, inv, sink)
		}
		return answer(time.Second, nil)(ctx, inv, sink)
	})
	bubble(t, l, func(r *rig) {
		r.accept("slow", 20)
		r.accept("quick", 20)
		time.Sleep(10 * time.Second)
		if all, slow := l.atOnce(""), l.atOnce("slow"); all > 8 || slow != 4 {
			t.Errorf("%d at once, want 8 at most; %d of slow, want 4", all, slow)
		}
		done := map[string]int{}
		for _, s := range l.runs() {
			done[s.name]++
		}
		if diff := cmp.Diff(map[string]int{"slow": 4, "quick": 20}, done); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		time.Sleep(5 * time.Hour)
		r.wantLeft(0, 0)
	})
}

// limited is a function with reserved concurrency.
func limited(limit int, work time.Duration) func(context.Context, *lambda.Invocation, lambda.Sink) error {
	var mu sync.Mutex
	running := 0
	return func(_ context.Context, _ *lambda.Invocation, sink lambda.Sink) error {
		mu.Lock()
		if running >= limit {
			mu.Unlock()
			return throttle()
		}
		running++
		mu.Unlock()
		time.Sleep(work)
		mu.Lock()
		defer mu.Unlock()
		running--
		sink.Finish(nil)
		return nil
	}
}

// A function with reserved concurrency 1 works its backlog off at full speed, with few
// throttles.
func TestThrottledFunctionKeepsItsPace(t *testing.T) {
	bubble(t, newLine(limited(1, 100*time.Millisecond)), func(r *rig) {
		r.accept("f", 100)
		time.Sleep(12 * time.Second) // 10 s of work, and a last throttle
		r.wantLeft(0, 0)
		if c := r.Counts(); c.Ended != 100 || c.Returned > 20 {
			t.Errorf("counts %+v, want 100 ended and few returned", c)
		}
	})
}

// One that gets through not at all costs a try a second, whatever waits.
func TestHopelessFunctionCostsLittle(t *testing.T) {
	bubble(t, newLine(limited(0, 0)), func(r *rig) {
		r.accept("f", 1000)
		time.Sleep(time.Minute)
		if n := len(r.line.runs()); n > 70 {
			t.Errorf("%d tries in a minute", n)
		}
	})
}

// Stopping returns what waits for an instance, lets run what runs, and takes nothing new.
func TestStop(t *testing.T) {
	l := newLine(func(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink) error {
		if inv.Function.Name == "waiting" {
			<-ctx.Done()
			return context.Cause(ctx)
		}
		return answer(time.Minute, nil)(ctx, inv, sink)
	})
	bubble(t, l, func(r *rig) {
		r.accept("waiting", 1)
		r.accept("running", 5)
		synctest.Wait()
		r.stop()
		r.wantLeft(2, 0) // the one that waited, and the fifth, for which there was no room
		if c := r.Counts(); c.Ended != 4 || c.Returned != 1 {
			t.Errorf("counts %+v", c)
		}
	})
}

// A function that ends badly while the server stops may have been ended by it: once more.
func TestKilledByStopRunsAgain(t *testing.T) {
	bubble(t, newLine(answer(time.Minute, &lambda.FunctionError{Type: "Runtime.ExitError"})), func(r *rig) {
		r.accept("f", 1)
		synctest.Wait()
		r.stop()
		r.wantLeft(1, 0)
	})
}

// A queue that fails for a while loses nothing and is not asked without pause.
func TestQueueFails(t *testing.T) {
	bubble(t, newLine(answer(time.Second, nil)), func(r *rig) {
		r.accept("f", 3)
		synctest.Wait()
		r.queue.setBroken(fmt.Errorf("the disk is full"))
		time.Sleep(10 * time.Second)
		r.wantLeft(0, 3)
		r.queue.setBroken(nil)
		time.Sleep(time.Minute)
		r.wantLeft(0, 0)
		if n := len(r.line.runs()); n != 3 {
			t.Errorf("%d runs, want 3", n)
		}
	})
}

func TestSettings(t *testing.T) {
	for _, s := range []Settings{{}, {Concurrency: 1, PerFunction: 1}, {Concurrency: 1, MaxAge: 1}, {PerFunction: 1, MaxAge: 1}} {
		if _, err := New(&memory{}, newLine(nil), s); err == nil {
			t.Errorf("%+v was taken", s)
		}
	}
	if err := DefaultSettings(1).Validate(); err != nil {
		t.Error(err)
	}
}
