package pool_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/receipt"
)

// preparer is a starter whose instances can be initialised by a request.
type preparer struct {
	*starter
	init   time.Duration
	broken int // this many initialisations by requests fail

	mu    sync.Mutex // guards what follows
	ahead int        // initialised without a request
	open  int        // by one
}

func (p *preparer) Prepare(ctx context.Context, target *lambda.Target) (pool.Opener, error) {
	i, err := p.Start(ctx, target)
	if err != nil {
		return nil, err
	}
	return &unborn{box: i.(*box), preparer: p}, nil
}

// unborn is an instance that has yet to be initialised.
type unborn struct {
	*box
	preparer *preparer
	born     sync.Once
}

func (u *unborn) Initialise(ctx context.Context) error {
	err := sleep(ctx, u.preparer.init)
	u.born.Do(func() {
		u.preparer.mu.Lock()
		defer u.preparer.mu.Unlock()
		u.preparer.ahead++
	})
	return err
}

func (u *unborn) Invoke(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error) {
	opens, broken := false, false
	u.born.Do(func() {
		u.preparer.mu.Lock()
		defer u.preparer.mu.Unlock()
		u.preparer.open++
		opens, broken = true, u.preparer.open <= u.preparer.broken
	})
	if !opens {
		return u.box.Invoke(ctx, inv, sink)
	}
	time.Sleep(u.preparer.init)
	if broken {
		return receipt.Receipt{}, fmt.Errorf("%s: %w", u.ID(), instance.ErrGone)
	}
	r, err := u.box.Invoke(ctx, inv, sink)
	r.Add(receipt.Runtime, u.preparer.init/2)
	r.Add(receipt.Init, u.preparer.init/2)
	return r, err
}

// Launch implements pool.Instance: what was before the initialisation.
func (u *unborn) Launch() receipt.Launch {
	l := u.box.Launch()
	return receipt.Launch{Kind: l.Kind, Began: l.Began, Sandbox: u.starter.boot}
}

func opening(t *testing.T, p *preparer, test func(t *testing.T, h *host, fn *lambda.Target)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p.starter, p.init = &starter{boot: 4 * ms}, 20*ms
		h := newHostOf(t, p, p.starter, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		test(t, h, fn)
	})
}

// opened checks how many instances were initialised by requests, and how many without.
func (p *preparer) opened(t *testing.T, open, ahead int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open != open || p.ahead != ahead {
		t.Errorf("%d initialised by a request and %d without, want %d and %d", p.open, p.ahead, open, ahead)
	}
}

// TestOnlyRequestInitialisesItsInstance: its receipt has all phases, and what comes after it is
// as ever.
func TestOnlyRequestInitialisesItsInstance(t *testing.T) {
	p := &preparer{}
	opening(t, p, func(t *testing.T, h *host, fn *lambda.Target) {
		cold := h.ok(fn, "5ms")
		want := [9]time.Duration{0, 4 * ms, 10 * ms, 10 * ms, 5 * ms, 0}
		if cold.rec.Spent != want || cold.rec.Start != receipt.Cold || cold.rec.Why != "first invocation of this version" {
			t.Errorf("%s, %q, phases %v, want %v", cold.rec.Start, cold.rec.Why, cold.rec.Spent, want)
		}
		if warm := h.ok(fn, "5ms"); warm.rec.Start != receipt.Warm || warm.took != 5*ms {
			t.Errorf("%s, %v", warm.rec.Start, warm.took)
		}
		p.opened(t, 1, 0)
	})
}

// TestLateBindingIsKept where something else may serve a request sooner: several requests that
// wait, and an instance in use.
func TestLateBindingIsKept(t *testing.T) {
	p := &preparer{}
	opening(t, p, func(t *testing.T, h *host, fn *lambda.Target) {
		first, second := h.spawn(fn, "100ms"), h.spawn(fn, "1ms")
		for _, a := range []answer{<-first, <-second} {
			if a.err != nil || a.rec.Start != receipt.Cold {
				t.Errorf("%+v", a)
			}
		}
		p.opened(t, 0, 2)
	})
	p = &preparer{}
	opening(t, p, func(t *testing.T, h *host, fn *lambda.Target) {
		first := h.spawn(fn, "1ms")
		time.Sleep(10 * ms) // it initialises its own
		second := h.ok(fn, "1ms")
		if second.took >= 20*ms {
			t.Errorf("the second waited for %v, though the first was done before", second.took)
		}
		<-first
		time.Sleep(time.Second)
		p.opened(t, 1, 1)
	})
}

// TestOpenedInstancesCountAsStarts: what their requests took is not taken for the function's.
func TestOpenedInstancesCountAsStarts(t *testing.T) {
	p := &preparer{}
	opening(t, p, func(t *testing.T, h *host, fn *lambda.Target) {
		h.ok(fn, "1ms")
		busy := h.spawn(fn, "1ms")
		synctest.Wait()
		if second := h.ok(fn, "1ms"); second.took != 2*ms {
			t.Errorf("the second took %v", second.took)
		}
		<-busy
		if starts, _ := p.live(); starts != 1 { // it is expected to be free sooner than a start
			t.Errorf("%d starts", starts)
		}
	})
}

// TestInitialisationThatFails inside a request is tried again with another instance, and in the
// end is an error.
func TestInitialisationThatFails(t *testing.T) {
	p := &preparer{broken: 1}
	opening(t, p, func(t *testing.T, h *host, fn *lambda.Target) {
		if a := h.ok(fn, "1ms"); a.rec.Start != receipt.Cold || a.took != 2*24*ms+1*ms {
			t.Errorf("%s, %v", a.rec.Start, a.took)
		}
		p.opened(t, 2, 0)
	})
	p = &preparer{broken: 100}
	opening(t, p, func(t *testing.T, h *host, fn *lambda.Target) {
		if a := h.call(t.Context(), fn, ""); a.err == nil {
			t.Errorf("%+v", a)
		}
		p.opened(t, 3, 0)
	})
}

// TestRequestThatLeavesItsInstance: one that nobody initialises is closed.
func TestRequestThatLeavesItsInstance(t *testing.T) {
	p := &preparer{}
	opening(t, p, func(t *testing.T, h *host, fn *lambda.Target) {
		ctx, leave := context.WithCancelCause(t.Context())
		went := errors.New("the caller left")
		time.AfterFunc(4*ms, func() { leave(went) }) // in the moment in which it gets it
		if a := h.call(ctx, fn, ""); a.err != nil && !errors.Is(a.err, went) {
			t.Errorf("%+v", a)
		}
		if a := h.ok(fn, "1ms"); a.rec.Start == "" {
			t.Errorf("%+v", a)
		}
	})
}
