package pool_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
)

const machineBudget = 640 // MiB

// machine drives a pool at random and counts what must never be lost.
type machine struct {
	h       *host
	t       testing.TB
	latest  map[string]uint64 // generation by function
	asked   int
	got     chan answer
	given   atomic.Int64 // MiB held by instances, as the starter sees it
	highest atomic.Int64
}

func newMachine(t testing.TB) *machine {
	m := &machine{t: t, latest: map[string]uint64{}, got: make(chan answer, 10_000)}
	s := &starter{t: t, boot: 7 * ms, freeze: ms, close: 2 * ms, observe: m.observe}
	s.failure = func(n int, _ *lambda.Target) error {
		if n%5 == 0 {
			return errors.New("every fifth start fails")
		}
		return nil
	}
	settings := pool.DefaultSettings()
	settings.MemoryBudget, settings.QueueLimit = machineBudget, 4
	settings.KeepAlive, settings.FreezeAfter, settings.ReclaimAfter, settings.QueueTimeout = 100*ms, 5*ms, 10*ms, 50*ms
	p, err := pool.New(s, settings)
	if err != nil {
		t.Fatal(err)
	}
	m.h = &host{Pool: p, t: t, starter: s}
	return m
}

func (m *machine) observe(delta int, _ *lambda.Target) {
	now := m.given.Add(int64(delta))
	for was := m.highest.Load(); now > was && !m.highest.CompareAndSwap(was, now); {
		was = m.highest.Load()
	}
}

// fn draws a function; its memory, its slots and how long it is kept follow from its name.
func (m *machine) fn(rt *rapid.T) *lambda.Target {
	n := rapid.IntRange(0, 3).Draw(rt, "function")
	name := fmt.Sprint("f", n)
	t := target(name, max(m.latest[name], 1))
	t.Version.MemorySize, t.Concurrency = 128+64*n, n
	t.Keep = []lambda.Keep{{}, alive(10 * ms), {P99: 5 * ms}, alive(lambda.Forever)}[n]
	return t
}

func (m *machine) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"invoke": func(rt *rapid.T) {
			payload := rapid.SampledFrom([]string{"", "1ms", "3ms", "20ms", "crash", "5ms timeout", "5ms taint", "gone"}).Draw(rt, "payload")
			m.invoke(context.Background(), m.fn(rt), payload)
		},
		"invoke and leave": func(rt *rapid.T) {
			wait := time.Duration(rapid.IntRange(0, 15).Draw(rt, "patience")) * ms
			ctx, stop := context.WithTimeoutCause(context.Background(), wait, errors.New("left"))
			m.t.Cleanup(stop)
			m.invoke(ctx, m.fn(rt), "10ms")
		},
		"update": func(rt *rapid.T) {
			fn := m.fn(rt)
			fn.Version.Generation++
			m.latest[fn.ID.Name] = fn.Version.Generation
			m.h.Keep(fn.ID, fn)
		},
		"provision": func(rt *rapid.T) {
			fn := m.fn(rt)
			var wants []pool.Want
			for _, qualifier := range []string{"a", "b"} {
				if n := rapid.IntRange(0, 3).Draw(rt, "executions of "+qualifier); n > 0 {
					wants = append(wants, want(qualifier, fn, n))
				}
			}
			m.h.Keep(fn.ID, fn)
			m.h.Provision(fn.ID, wants...)
		},
		"snapshots": func(rt *rapid.T) {
			fn := m.fn(rt)
			m.h.Keep(fn.ID, fn)
			if rapid.Bool().Draw(rt, "kept") {
				m.h.Snapshots(fn.ID, fn)
			} else {
				m.h.Snapshots(fn.ID)
			}
		},
		"snapshot": func(rt *rapid.T) {
			fn := m.fn(rt)
			go func() { _ = m.h.Snapshot(m.t.Context(), fn) }()
		},
		"remove": func(rt *rapid.T) {
			fn := m.fn(rt)
			m.h.Keep(fn.ID)
			m.h.Provision(fn.ID)
		},
		"die": func(rt *rapid.T) {
			m.h.starter.mu.Lock()
			boxes := m.h.starter.boxes
			m.h.starter.mu.Unlock()
			if len(boxes) > 0 {
				boxes[rapid.IntRange(0, len(boxes)-1).Draw(rt, "box")].die()
			}
		},
		"wait": func(rt *rapid.T) {
			time.Sleep(time.Duration(rapid.IntRange(1, 60).Draw(rt, "ms")) * ms)
		},
		"": func(rt *rapid.T) { m.check(rt) },
	}
}

func (m *machine) invoke(ctx context.Context, fn *lambda.Target, payload string) {
	m.asked++
	go func() { m.got <- m.h.call(ctx, fn, payload) }()
}

func (m *machine) check(rt *rapid.T) {
	synctest.Wait()
	s := m.h.Stats()
	if s.Memory > machineBudget || m.highest.Load() > machineBudget {
		rt.Fatalf("%d MiB claimed, %d MiB held at most: the budget is %d", s.Memory, m.highest.Load(), machineBudget)
	}
	if int64(s.Memory) < m.given.Load() {
		rt.Fatalf("instances hold %d MiB, %d are accounted", m.given.Load(), s.Memory)
	}
	if s.Starting > s.Waiting && s.Waiting == 0 && s.Memory == 0 {
		rt.Fatalf("%+v: a start that no request needs waits for memory", s)
	}
}

// end closes the pool and settles the accounts.
func (m *machine) end(rt *rapid.T) {
	if err := m.h.Close(context.Background()); err != nil {
		rt.Fatalf("Close: %v", err)
	}
	synctest.Wait()
	if len(m.got) != m.asked {
		rt.Fatalf("%d answers to %d requests", len(m.got), m.asked)
	}
	for range m.asked {
		m.verify(rt, <-m.got)
	}
	if s := m.h.Stats(); s != (pool.Stats{}) || m.given.Load() != 0 {
		rt.Fatalf("after Close: %+v, %d MiB held", s, m.given.Load())
	}
}

// verify checks one answer: exactly one of a body, a shaped error and a caller that left.
func (m *machine) verify(rt *rapid.T, a answer) {
	var shaped *lambda.Error
	switch {
	case a.err == nil && a.body == "":
		rt.Fatalf("an answer without a body")
	case a.err != nil && !errors.As(a.err, &shaped) && a.err.Error() != "left":
		rt.Fatalf("err = %v", a.err)
	case a.err == nil && a.rec.Wall() != a.took:
		rt.Fatalf("phases %v sum to %v, the wall time is %v", a.rec.Spent, a.rec.Wall(), a.took)
	}
}

// bubbleTB hides T.Deadline, which a bubble does not allow, from rapid.
type bubbleTB struct{ testing.TB }

func TestPoolMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(bubbleTB{t}, func(rt *rapid.T) {
			m := newMachine(t)
			rt.Repeat(m.actions())
			m.end(rt)
		})
	})
}

func TestHammer(t *testing.T) {
	m := newMachine(t)
	m.h.starter.boot, m.h.starter.freeze, m.h.starter.close = 100*time.Microsecond, 0, 0
	const workers, rounds = 8, 100
	done := make(chan int)
	for w := range workers {
		go func() {
			answered := 0
			for i := range rounds {
				fn := target(fmt.Sprint("f", (w+i)%4), uint64(1+i/10))
				fn.Concurrency = (w + i) % 4
				if i%10 == 0 {
					m.h.Keep(fn.ID, fn)
					m.h.Provision(fn.ID, want("a", fn, 1+i%2))
				}
				m.h.call(t.Context(), fn, []string{"", "50us", "crash", "taint"}[i%4])
				answered++
			}
			done <- answered
		}()
	}
	total := 0
	for range workers {
		total += <-done
	}
	if err := m.h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if total != workers*rounds || m.given.Load() != 0 || m.highest.Load() > machineBudget {
		t.Errorf("%d answers, %d MiB left, %d MiB at most", total, m.given.Load(), m.highest.Load())
	}
}
