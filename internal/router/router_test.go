package router_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/router"
)

func TestResolve(t *testing.T) {
	l := newLine(t, 10)
	l.put(t, function(f, 1, "1", "2"))
	for qualifier, version := range map[string]string{"": "$LATEST", "$LATEST": "$LATEST", "1": "1", "2": "2"} {
		_, rec, err := l.call(f, qualifier)
		if err != nil || rec.Version != version || rec.Tier != lambda.TierLight || rec.RequestID != "r-1" {
			t.Errorf("%q: receipt %+v, %v; want version %s", qualifier, rec, err, version)
		}
	}
}

func TestUnknown(t *testing.T) {
	l := newLine(t, 10)
	l.put(t, function(f, 1, "1"))
	g := f
	g.Name = "g"
	const arn = "arn:aws:lambda:us-east-1:111111111111:function:"
	for _, c := range []struct {
		id              lambda.FunctionID
		qualifier, want string
	}{
		{g, "", "g"},
		{g, "1", "g:1"},
		{g, "$LATEST", "g:$LATEST"},
		{f, "3", "f:3"},
		{f, "01", "f:01"},
		{f, "non-existent-alias", "f:non-existent-alias"},
	} {
		_, rec, err := l.call(c.id, c.qualifier)
		wantError(t, err, lambda.ErrResourceNotFound, "Function not found: "+arn+c.want, "")
		if rec.Wall() == 0 {
			t.Error("a refused invocation took no time")
		}
	}
}

func TestStates(t *testing.T) {
	const conflict = "The operation cannot be performed at this time. The function is currently in the following state: "
	for state, want := range map[string]struct {
		kind    *lambda.ErrorKind
		message string
	}{
		"Pending":  {lambda.ErrResourceConflict, conflict + "Pending"},
		"Failed":   {lambda.ErrResourceConflict, conflict + "Failed"},
		"Inactive": {lambda.ErrResourceNotReady, "The function is inactive. Try again when its state is Active."},
	} {
		l := newLine(t, 10)
		fn := function(f, 1, "1")
		fn.Latest.State = state
		l.put(t, fn)
		_, _, err := l.call(f, "")
		wantError(t, err, want.kind, want.message, "")
		if _, _, err := l.call(f, "1"); err != nil {
			t.Errorf("the active version of a function that is %s: %v", state, err)
		}
	}
}

func TestTierFromTag(t *testing.T) {
	l := newLine(t, 10)
	fn := function(f, 1)
	fn.Tags = map[string]string{lambda.IsolationTag: "gvisor"}
	l.put(t, fn)
	if _, rec, err := l.call(f, ""); err != nil || rec.Tier != lambda.TierGVisor {
		t.Errorf("tier %s, %v", rec.Tier, err)
	}
	bad := function(f, 2)
	bad.Tags = map[string]string{lambda.IsolationTag: "strong"}
	if err := l.Put(bad); err == nil {
		t.Error("a tag that names no tier was accepted")
	}
	if body, rec, _ := l.call(f, ""); body != "1" || rec.Tier != lambda.TierGVisor {
		t.Errorf("after the refused change: generation %s in %s", body, rec.Tier)
	}
}

// The tier of a function is its own account's, and so is the floor: a function of one account is
// refused what one of the same name in another has.
func TestTierFromTheRuleOfItsAccount(t *testing.T) {
	strict := lambda.Isolation{Default: lambda.TierGVisor, Floor: lambda.TierGVisor}
	l := newLineWith(t, 10, router.Settings{
		Isolation: lambda.Isolation{Default: lambda.TierLight},
		Rules:     map[string]lambda.AccountRule{"222222222222": {Isolation: strict}},
	})
	theirs := f
	theirs.Account = "222222222222"
	for id, want := range map[lambda.FunctionID]lambda.Tier{f: lambda.TierLight, theirs: lambda.TierGVisor} {
		l.put(t, function(id, 1))
		if _, rec, err := l.call(id, ""); err != nil || rec.Tier != want {
			t.Errorf("%s: tier %s, %v, want %s", id.Account, rec.Tier, err, want)
		}
		weak := function(id, 2)
		weak.Tags = map[string]string{lambda.IsolationTag: "light"}
		l.put(t, weak)
		if _, _, err := l.call(id, ""); (err == nil) != (want == lambda.TierLight) {
			t.Errorf("%s: a function in light: %v", id.Account, err)
		}
	}
}

func TestDryRunStartsNothing(t *testing.T) {
	l := newLine(t, 0) // and needs no permit
	l.put(t, function(f, 1))
	sink := &lambda.Buffer{Cap: 10}
	inv := &lambda.Invocation{Function: f, Type: lambda.DryRun}
	rec, err := l.Invoke(t.Context(), inv, sink)
	if err != nil || rec.Version != lambda.Latest || l.starter.starts.Load() != 0 {
		t.Errorf("receipt %+v, %v, %d starts", rec, err, l.starter.starts.Load())
	}
	inv.Qualifier = "7"
	if _, err := l.Invoke(t.Context(), inv, sink); err == nil {
		t.Error("a dry run of an unknown version succeeded")
	}
}

// A function may have come to be below its account's floor: a dry run says what an invocation would.
func TestDryRunIsRefusedWhatAnInvocationIs(t *testing.T) {
	l := newLineUnder(t, 1, lambda.Isolation{Default: lambda.TierGVisor, Floor: lambda.TierGVisor})
	weak := function(f, 1)
	weak.Tags = map[string]string{lambda.IsolationTag: "light"}
	l.put(t, weak)
	_, _, refused := l.call(f, "")
	_, err := l.Invoke(t.Context(), &lambda.Invocation{Function: f, Type: lambda.DryRun}, nil)
	if refused == nil || err == nil || err.Error() != refused.Error() {
		t.Errorf("a dry run: %v, an invocation: %v", err, refused)
	}
}

func TestRemove(t *testing.T) {
	l := newLine(t, 10)
	l.put(t, function(f, 1))
	l.Remove(f)
	_, _, err := l.call(f, "")
	wantError(t, err, lambda.ErrResourceNotFound, "Function not found: "+f.ARN(), "")
}

func TestPhasesSumToTheWallTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 10)
		l.starter.work = 7 * time.Millisecond
		l.put(t, function(f, 1))
		inv := &lambda.Invocation{Function: f, Arrived: time.Now()}
		time.Sleep(2 * time.Millisecond) // the front decodes
		rec, err := l.Invoke(t.Context(), inv, &lambda.Buffer{Cap: 10})
		if err != nil || rec.Wall() != 9*time.Millisecond || rec.Spent[receipt.Queue] != 2*time.Millisecond {
			t.Errorf("phases %v, %v", rec.Spent, err)
		}
	})
}

func TestPermitsAreGivenBack(t *testing.T) {
	l := newLine(t, 1)
	l.put(t, function(f, 1))
	for range 3 {
		if _, _, err := l.call(f, ""); err != nil {
			t.Fatal(err)
		}
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = l.Invoke(t.Context(), &lambda.Invocation{Function: f}, nil) // panics in the instance
	}()
	if _, _, err := l.call(f, ""); err != nil {
		t.Errorf("after a panic: %v", err)
	}
}

// A function whose caller left still runs, and holds its permit.
func TestCallerThatLeavesHoldsThePermit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, 1)
		l.starter.work = time.Second
		l.put(t, function(f, 1))
		ctx, leave := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := l.Invoke(ctx, &lambda.Invocation{Function: f}, &lambda.Buffer{Cap: 10})
			done <- err
		}()
		synctest.Wait()
		leave(nil)
		synctest.Wait()
		_, _, err := l.call(f, "")
		wantError(t, err, lambda.ErrTooManyRequests, "Rate Exceeded.", lambda.ReasonConcurrency)
		if err := <-done; err != nil {
			t.Errorf("the function was stopped: %v", err)
		}
		if _, _, err := l.call(f, ""); err != nil {
			t.Errorf("the permit was not given back: %v", err)
		}
	})
}

func TestReservedZeroThrottles(t *testing.T) {
	l := newLine(t, 10)
	fn, zero := function(f, 1), 0
	fn.ReservedConcurrency = &zero
	l.put(t, fn)
	_, _, err := l.call(f, "")
	wantError(t, err, lambda.ErrTooManyRequests, "Rate Exceeded.", lambda.ReasonReservedConcurrency)
}

// What runs at once never exceeds the limit, and whoever is refused gets Lambda's 429.
func TestConcurrencyLimitUnderLoad(t *testing.T) {
	const limit = 3
	l := newLine(t, limit)
	l.starter.work = 100 * time.Microsecond
	l.put(t, function(f, 1))
	var refused, served atomic.Int64
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range 100 {
				if _, _, err := l.call(f, ""); err == nil {
					served.Add(1)
				} else {
					wantError(t, err, lambda.ErrTooManyRequests, "Rate Exceeded.", lambda.ReasonConcurrency)
					refused.Add(1)
				}
			}
		})
	}
	workers.Wait()
	if l.starter.most.Load() > limit || served.Load() == 0 || served.Load()+refused.Load() != 800 {
		t.Errorf("%d at once, %d served, %d refused", l.starter.most.Load(), served.Load(), refused.Load())
	}
}

// An update changes the answer for whoever asks after Put returned, and fails nobody.
func TestUpdatesUnderLoad(t *testing.T) {
	l := newLine(t, 1000)
	l.put(t, function(f, 1))
	var current atomic.Uint64
	current.Store(1)
	stop := make(chan struct{})
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() { l.expectCurrent(t, &current, stop) })
	}
	for generation := uint64(2); generation <= 51; generation++ {
		l.put(t, function(f, generation))
		current.Store(generation)
		time.Sleep(time.Millisecond)
	}
	close(stop)
	workers.Wait()
	if body, _, err := l.call(f, ""); body != "51" || err != nil {
		t.Errorf("at the end: generation %s, %v", body, err)
	}
}

func (l *line) expectCurrent(t *testing.T, current *atomic.Uint64, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		least := current.Load()
		sink := &lambda.Buffer{Cap: 100}
		inv := &lambda.Invocation{Function: f}
		_, err := l.Invoke(context.Background(), inv, sink)
		if err != nil || number(sink.Bytes()) < least {
			t.Errorf("generation %s, %v: %d was current before", sink.Bytes(), err, least)
			return
		}
	}
}

func number(digits []byte) (n uint64) {
	for _, d := range digits {
		n = n*10 + uint64(d-'0')
	}
	return n
}

func BenchmarkInvokeWarm(b *testing.B) {
	l := newLine(b, 1000)
	l.put(b, function(f, 1))
	inv := &lambda.Invocation{Function: f, Arrived: time.Now()}
	var sink nowhere
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Invoke(b.Context(), inv, sink); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInvokeWarmParallel(b *testing.B) {
	l := newLine(b, 1000)
	l.put(b, function(f, 1))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		inv := &lambda.Invocation{Function: f, Arrived: time.Now()}
		for pb.Next() {
			if _, err := l.Invoke(context.Background(), inv, nowhere{}); err != nil {
				b.Error(err)
			}
		}
	})
}

// The warm path allocates one thing: the context that does not end with the caller.
func TestWarmInvokeHardlyAllocates(t *testing.T) {
	l := newLine(t, 1000)
	l.put(t, function(f, 1))
	inv := &lambda.Invocation{Function: f, Arrived: time.Now()}
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { _, _ = l.Invoke(ctx, inv, nowhere{}) }); n > 1 {
		t.Errorf("%v allocations per warm invoke", n)
	}
}

type nowhere struct{}

func (nowhere) Head(lambda.Head) error       { return nil }
func (nowhere) Write(p []byte) (int, error)  { return len(p), nil }
func (nowhere) Finish(*lambda.FunctionError) {}
