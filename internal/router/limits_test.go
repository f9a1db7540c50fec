package router_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/router"
)

// census counts inside the instances how many invocations run at once.
type census struct {
	all, shared, reserved, ahead counter
}

type counter struct{ now, most, total atomic.Int64 }

func (c *counter) enter() {
	c.total.Add(1)
	raise(&c.most, c.now.Add(1))
}

func (c *counter) leave() { c.now.Add(-1) }

// of is the counter of a function.
func (c *census) of(name string) *counter {
	switch name {
	case "reserved":
		return &c.reserved
	case "ahead":
		return &c.ahead
	}
	return &c.shared
}

func (c *census) Start(_ context.Context, t *lambda.Target) (pool.Instance, error) {
	u := unit{starter: &starter{}, launch: receipt.Launch{Kind: receipt.Cold, Began: time.Now()}, done: make(chan struct{})}
	return &booth{unit: u, counters: []*counter{&c.all, c.of(t.ID.Name)}}, nil
}

// booth is an instance in which is counted.
type booth struct {
	unit
	counters []*counter
}

func (b *booth) Invoke(_ context.Context, _ *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error) {
	for _, c := range b.counters {
		c.enter()
		defer c.leave()
	}
	time.Sleep(200 * time.Microsecond)
	sink.Finish(nil)
	return receipt.Receipt{}, nil
}

const limit, reserved, provisioned, requests = 40, 8, 6, 10_000

// Ten thousand requests at once never see more run than the limits allow, counted where
// they run, and each that is refused hears of the limit that it met.
func TestLimitsHoldUnderTenThousand(t *testing.T) {
	c, permits := &census{}, router.NewLocal(limit)
	p, err := pool.New(c, pool.DefaultSettings())
	if err != nil {
		t.Fatal(err)
	}
	l := &line{Router: router.New(p, permits, router.Settings{Isolation: lambda.Isolation{Default: lambda.TierLight}})}
	l.putLimited(t)
	if wrong := l.storm(); wrong != 0 {
		t.Errorf("%d requests got an answer that no limit explains", wrong)
	}
	if err := p.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	const unclaimed = limit - reserved - provisioned
	for name, n := range map[string]struct {
		of    *counter
		limit int64
	}{
		"all": {&c.all, limit}, "reserved": {&c.reserved, reserved},
		"shared": {&c.shared, unclaimed}, "ahead": {&c.ahead, provisioned + unclaimed},
	} {
		if most := n.of.most.Load(); most > n.limit || most == 0 {
			t.Errorf("%s: %d at once, the limit is %d", name, most, n.limit)
		}
		t.Logf("%-8s %5d ran, %2d of %2d at once", name, n.of.total.Load(), n.of.most.Load(), n.limit)
	}
	countsAgain(t, permits)
}

func (l *line) putLimited(t *testing.T) {
	t.Helper()
	for _, name := range []string{"shared", "other"} {
		l.put(t, function(id(name), 1))
	}
	fn, n := function(id("reserved"), 1), reserved
	fn.ReservedConcurrency = &n
	l.put(t, fn)
	fn = function(id("ahead"), 1, "1")
	fn.Provisioned = map[string]lambda.ProvisionedConfig{"1": {Executions: provisioned}}
	l.put(t, fn)
}

// storm sends all requests at once and counts the wrong answers.
func (l *line) storm() (wrong int64) {
	var all sync.WaitGroup
	var odd atomic.Int64
	gate := make(chan struct{})
	for i := range requests {
		name := []string{"shared", "other", "reserved", "ahead"}[i%4]
		all.Go(func() {
			<-gate
			if !l.explained(name) {
				odd.Add(1)
			}
		})
	}
	close(gate)
	all.Wait()
	return odd.Load()
}

// explained says whether a request ran or was refused for a limit of its function's.
func (l *line) explained(name string) bool {
	qualifier, reason := "", lambda.ReasonConcurrency
	switch name {
	case "ahead":
		qualifier = "1"
	case "reserved":
		reason = lambda.ReasonReservedConcurrency
	}
	_, _, err := l.call(id(name), qualifier)
	var e *lambda.Error
	return err == nil || errors.As(err, &e) && e.Kind == lambda.ErrTooManyRequests && e.Reason == reason
}

// countsAgain finds exactly as many permits as there were: none was lost, none made.
func countsAgain(t *testing.T, permits *router.Local) {
	t.Helper()
	for _, n := range []struct {
		name, version string
		want          int
	}{
		{"shared", lambda.Latest, limit - reserved - provisioned},
		{"ahead", lambda.Latest, 0},
		{"ahead", "1", provisioned},
		{"reserved", lambda.Latest, reserved},
	} {
		got := 0
		for _, err := permits.TryAcquire(id(n.name), n.version); err == nil; _, err = permits.TryAcquire(id(n.name), n.version) {
			got++
		}
		if got != n.want {
			t.Errorf("%s:%s has %d permits, want %d", n.name, n.version, got, n.want)
		}
	}
}
