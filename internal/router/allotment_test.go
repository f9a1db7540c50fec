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
		if _, err := l.TryAcquire(f, lambda.Latest); err != nil {
			t.Errorf("%v: %v", f, err)
		}
	}
	_, err := l.TryAcquire(id("g"), lambda.Latest)
	wantError(t, err, lambda.ErrTooManyRequests, "Rate Exceeded.", lambda.ReasonConcurrency)
}

// An account's own limit holds for it in each region, and for no other account.
func TestLimitOfOneAccount(t *testing.T) {
	l := router.NewLocal(1)
	l.Limit("222222222222", 3)
	for account, want := range map[string]int{"111111111111": 1, "222222222222": 3} {
		for _, region := range []string{"us-east-1", "eu-central-1"} {
			at := lambda.FunctionID{Account: account, Region: region, Name: "f"}
			got := 0
			for ; got <= want; got++ {
				if _, err := l.TryAcquire(at, lambda.Latest); err != nil {
					break
				}
			}
			if got != want {
				t.Errorf("%s in %s: %d permits, want %d", account, region, got, want)
			}
		}
	}
}

// ledger is the model of an allotment: what AWS's documentation says, counted plainly.
type ledger struct {
	limit int
	has   map[string]router.Allocation
	out   map[string][]permit
}

// permit is one that is out: the version's own, or on demand.
type permit struct {
	version string
	own     bool
	release func()
}

func (m *ledger) count(name string, belongs func(permit) bool) (n int) {
	for _, p := range m.out[name] {
		if belongs(p) {
			n++
		}
	}
	return n
}

func onDemand(p permit) bool { return !p.own }

func (m *ledger) provisioned(name string) (sum int) {
	for _, n := range m.has[name].Provisioned {
		sum += n
	}
	return sum
}

// shared is what is in use of what nobody claims, and how much that is.
func (m *ledger) shared() (used, limit int) {
	limit = m.limit
	for name := range m.out {
		if m.has[name].Reserved == nil {
			used += m.count(name, onDemand)
		}
	}
	for name, a := range m.has {
		if a.Reserved != nil {
			limit -= *a.Reserved
		} else {
			limit -= m.provisioned(name)
		}
	}
	return used, limit
}

func (m *ledger) all() (n int) {
	for _, out := range m.out {
		n += len(out)
	}
	return n
}

// want is the reason with which the next permit is refused, or "", and whether it is
// the version's own.
func (m *ledger) want(name, version string) (reason string, own bool) {
	a := m.has[name]
	if a.Reserved != nil && len(m.out[name]) >= *a.Reserved {
		return lambda.ReasonReservedConcurrency, false
	}
	if m.all() >= m.limit {
		return lambda.ReasonConcurrency, false
	}
	if m.count(name, func(p permit) bool { return p.own && p.version == version }) < a.Provisioned[version] {
		return "", true
	}
	if a.Reserved != nil {
		if m.count(name, onDemand) >= *a.Reserved-m.provisioned(name) {
			return lambda.ReasonReservedConcurrency, false
		}
		return "", false
	}
	if used, limit := m.shared(); used >= limit {
		return lambda.ReasonConcurrency, false
	}
	return "", false
}

func (m *ledger) acquire(rt *rapid.T, l *router.Local, name, version string) {
	want, own := m.want(name, version)
	release, err := l.TryAcquire(id(name), version)
	got := ""
	var e *lambda.Error
	if errors.As(err, &e) {
		got = e.Reason
	}
	if got != want {
		rt.Fatalf("%s:%s: refused with %q, want %q (%+v)", name, version, got, want, m)
	}
	if err == nil {
		m.out[name] = append(m.out[name], permit{version, own, release})
	}
}

// assign changes what a function has. Permits beyond what a version has then count as on
// demand: the oldest, which are given back first here.
func (m *ledger) assign(name string, a router.Allocation) {
	m.has[name] = a
	left := map[string]int{}
	for version, n := range a.Provisioned {
		left[version] = n
	}
	for i := len(m.out[name]) - 1; i >= 0; i-- {
		p := &m.out[name][i]
		if p.own && left[p.version] == 0 {
			p.own = false
		} else if p.own {
			left[p.version]--
		}
	}
}

func drawAllocation(rt *rapid.T) (a router.Allocation) {
	if rapid.Bool().Draw(rt, "reserve") {
		n := rapid.IntRange(0, 4).Draw(rt, "reserved")
		a.Reserved = &n
	}
	if rapid.Bool().Draw(rt, "provision") {
		a.Provisioned = map[string]int{}
		for _, version := range []string{"1", "2"} {
			if n := rapid.IntRange(0, 3).Draw(rt, "version "+version); n > 0 {
				a.Provisioned[version] = n
			}
		}
	}
	return a
}

func TestAllotmentMachine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &ledger{limit: rapid.IntRange(0, 12).Draw(rt, "limit"), has: map[string]router.Allocation{}, out: map[string][]permit{}}
		l := router.NewLocal(m.limit)
		name := func(rt *rapid.T) string { return rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "function") }
		version := func(rt *rapid.T) string {
			return rapid.SampledFrom([]string{lambda.Latest, "1", "2"}).Draw(rt, "version")
		}
		rt.Repeat(map[string]func(*rapid.T){
			"acquire": func(rt *rapid.T) { m.acquire(rt, l, name(rt), version(rt)) },
			"release": func(rt *rapid.T) {
				n := name(rt)
				if len(m.out[n]) > 0 {
					m.out[n][0].release()
					m.out[n] = m.out[n][1:]
				}
			},
			"assign": func(rt *rapid.T) {
				n, a := name(rt), drawAllocation(rt)
				m.assign(n, a)
				l.Assign(id(n), a)
			},
			"forget": func(rt *rapid.T) {
				n := name(rt)
				m.assign(n, router.Allocation{})
				delete(m.has, n)
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
	l.Assign(id("f0"), router.Allocation{Reserved: &n})
	var inUse, most [2]atomic.Int64 // shared, reserved
	var given atomic.Int64
	var workers sync.WaitGroup
	for w := range 16 {
		workers.Go(func() {
			for i := range 2000 {
				name := fmt.Sprint("f", (w+i)%4)
				release, err := l.TryAcquire(id(name), lambda.Latest)
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
		if _, err := l.TryAcquire(id("f1"), lambda.Latest); err != nil {
			t.Fatalf("permit %d: %v", i, err)
		}
	}
	if _, err := l.TryAcquire(id("f1"), lambda.Latest); err == nil {
		t.Error("a permit too many")
	}
}
