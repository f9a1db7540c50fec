package router_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/router"
)

func id(name string) lambda.FunctionID {
	return lambda.FunctionID{Account: "111111111111", Region: "us-east-1", Name: name}
}

func TestAccountsAndRegionsDoNotShare(t *testing.T) {
	l := router.NewLocal(1)
	other, region := id("f"), id("f")
	other.Account, region.Region = "222222222222", "eu-central-1"
	for _, f := range []lambda.FunctionID{id("f"), other, region} {
		if _, err := l.TryAcquire(f); err != nil {
			t.Errorf("%v: %v", f, err)
		}
	}
	_, err := l.TryAcquire(id("g"))
	wantError(t, err, lambda.ErrTooManyRequests, "Rate Exceeded.", lambda.ReasonConcurrency)
}

// ledger is the model of an allotment: what AWS's documentation says, counted plainly.
type ledger struct {
	limit    int
	reserved map[string]int
	out      map[string][]func()
}

func (m *ledger) shared() (used, limit int) {
	limit = m.limit
	for name, releases := range m.out {
		if _, ok := m.reserved[name]; !ok {
			used += len(releases)
		}
	}
	for _, n := range m.reserved {
		limit -= n
	}
	return used, limit
}

// want is the reason with which the next permit is refused, or "".
func (m *ledger) want(name string) string {
	if n, ok := m.reserved[name]; ok {
		if len(m.out[name]) >= n {
			return lambda.ReasonReservedConcurrency
		}
		return ""
	}
	if used, limit := m.shared(); used >= limit {
		return lambda.ReasonConcurrency
	}
	return ""
}

func (m *ledger) acquire(rt *rapid.T, l *router.Local, name string) {
	want := m.want(name)
	release, err := l.TryAcquire(id(name))
	got := ""
	var e *lambda.Error
	if errors.As(err, &e) {
		got = e.Reason
	}
	if got != want {
		rt.Fatalf("%s: refused with %q, want %q (%+v)", name, got, want, m)
	}
	if err == nil {
		m.out[name] = append(m.out[name], release)
	}
}

func TestAllotmentMachine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &ledger{limit: rapid.IntRange(0, 12).Draw(rt, "limit"), reserved: map[string]int{}, out: map[string][]func(){}}
		l := router.NewLocal(m.limit)
		name := func(rt *rapid.T) string { return rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "function") }
		rt.Repeat(map[string]func(*rapid.T){
			"acquire": func(rt *rapid.T) { m.acquire(rt, l, name(rt)) },
			"release": func(rt *rapid.T) {
				n := name(rt)
				if len(m.out[n]) > 0 {
					m.out[n][0]()
					m.out[n] = m.out[n][1:]
				}
			},
			"reserve": func(rt *rapid.T) {
				n, permits := name(rt), rapid.IntRange(0, 4).Draw(rt, "permits")
				m.reserved[n] = permits
				l.Reserve(id(n), &permits)
			},
			"share": func(rt *rapid.T) {
				n := name(rt)
				delete(m.reserved, n)
				l.Reserve(id(n), nil)
			},
			"forget": func(rt *rapid.T) {
				n := name(rt)
				delete(m.reserved, n)
				l.Forget(id(n))
			},
		})
	})
}

// raise makes n at least to.
func raise(n *atomic.Int64, to int64) {
	for {
		was := n.Load()
		if was >= to || n.CompareAndSwap(was, to) {
			return
		}
	}
}

// Limits hold exactly, whatever happens at once.
func TestAllotmentHammer(t *testing.T) {
	const limit, reserved = 7, 3
	l := router.NewLocal(limit)
	n := reserved
	l.Reserve(id("f0"), &n)
	var inUse, most [2]atomic.Int64 // shared, reserved
	var given atomic.Int64
	var workers sync.WaitGroup
	for w := range 16 {
		workers.Go(func() {
			for i := range 2000 {
				name := fmt.Sprint("f", (w+i)%4)
				release, err := l.TryAcquire(id(name))
				if err != nil {
					continue
				}
				pot := 0
				if name == "f0" {
					pot = 1
				}
				raise(&most[pot], inUse[pot].Add(1))
				given.Add(1)
				inUse[pot].Add(-1)
				release()
			}
		})
	}
	workers.Wait()
	if most[0].Load() > limit-reserved || most[1].Load() > reserved || given.Load() == 0 {
		t.Errorf("at most %d shared and %d reserved at once, %d given", most[0].Load(), most[1].Load(), given.Load())
	}
	for i := range limit - reserved { // and nothing was lost
		if _, err := l.TryAcquire(id("f1")); err != nil {
			t.Fatalf("permit %d: %v", i, err)
		}
	}
	if _, err := l.TryAcquire(id("f1")); err == nil {
		t.Error("a permit too many")
	}
}
