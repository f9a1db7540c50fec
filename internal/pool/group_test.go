package pool

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
)

// still is an instance that only exists. The tests here hold moments that lie between
// two steps of the pool and cannot be met from outside.
type still struct{ done chan struct{} }

func (s *still) ID() string                             { return "still" }
func (s *still) Launch() receipt.Launch                 { return receipt.Launch{} }
func (s *still) Reusable() bool                         { return true }
func (s *still) Freeze(context.Context) error           { return nil }
func (s *still) Thaw(context.Context) error             { return nil }
func (s *still) Done() <-chan struct{}                  { return s.done }
func (s *still) Err() error                             { return nil }
func (s *still) Close(context.Context) error            { close(s.done); return nil }
func (s *still) Reclaim(context.Context) (int64, error) { return 0, nil }
func (s *still) Invoke(context.Context, *lambda.Invocation, lambda.Sink) (receipt.Receipt, error) {
	return receipt.Receipt{}, nil
}

type stills struct{}

func (stills) Start(context.Context, *lambda.Target) (Instance, error) {
	return &still{make(chan struct{})}, nil
}

// newGroup makes a kept group of a tenant with one instance, which a request has.
func newGroup(t *testing.T) (*group, lease) {
	t.Helper()
	p, err := New(stills{}, DefaultSettings())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, stop := context.WithTimeoutCause(context.Background(), time.Minute, errors.New("an instance was lost"))
		defer stop()
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	target := &lambda.Target{ID: lambda.FunctionID{Name: "f"}}
	p.Keep(target.ID, target)
	g := p.group(&lambda.Invocation{Target: target, TenantID: "tenant"})
	l, err := g.acquire(t.Context(), target, lambda.ClassLatency, false)
	if err != nil {
		t.Fatal(err)
	}
	return g, l
}

func TestALeaseThatComesTooLateGoesToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, l := newGroup(t)
		served := &waiter{got: make(chan lease, 1)} // it was served, and has not looked yet
		served.got <- l
		left := errors.New("left")
		if err := g.abandon(served, left); !errors.Is(err, left) {
			t.Errorf("err = %v", err)
		}
		if g.busy != 0 || len(g.idle) != 1 {
			t.Errorf("%d busy, %d idle: the instance is lost", g.busy, len(g.idle))
		}
	})
}

func TestAForgottenGroupKeepsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, l := newGroup(t)
		g.release(l.member, whyCrashed)
		synctest.Wait()
		if g.pool.find(g.key) != nil {
			t.Fatal("the empty group of a tenant was not forgotten")
		}
		l, err := g.acquire(t.Context(), l.member.target, lambda.ClassLatency, false) // by a request that had found it before
		if err != nil {
			t.Fatal(err)
		}
		g.release(l.member, "")
		time.Sleep(time.Second)
		if len(g.idle) != 0 || g.pool.Stats().Memory != 0 {
			t.Errorf("%d idle in a group that nobody finds", len(g.idle))
		}
	})
}
