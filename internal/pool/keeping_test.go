package pool_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/receipt"
)

// wishing is a function that says how long its instances are kept.
func wishing(k lambda.Keep) *lambda.Target {
	fn := target("f", 1)
	fn.Keep = k
	return fn
}

func alive(d time.Duration) lambda.Keep { return lambda.Keep{Set: true, Alive: d} }

func TestKeepAliveOfTheFunction(t *testing.T) {
	for name, c := range map[string]struct {
		keep lambda.Keep
		wait time.Duration
		want receipt.StartKind
		why  string
	}{
		"in time":     {alive(30 * time.Minute), 29 * time.Minute, receipt.Warm, ""},
		"expired":     {alive(30 * time.Second), 31 * time.Second, receipt.Cold, "instance expired after 30 s idle, as lambent:keep-alive says"},
		"soon":        {alive(20 * ms), time.Second, receipt.Cold, "instance expired after 0.02 s idle, as lambent:keep-alive says"},
		"none":        {alive(0), ms, receipt.Cold, "instance expired after 0 s idle, as lambent:keep-alive says"},
		"always":      {alive(lambda.Forever), 30 * 24 * time.Hour, receipt.Warm, ""},
		"the pool's":  {lambda.Keep{}, 11 * time.Minute, receipt.Cold, "instance expired after 600 s idle"},
		"p99 is easy": {lambda.Keep{P99: time.Minute}, 11 * time.Minute, receipt.Cold, "instance expired after 600 s idle: lambent:p99 spares 99 of 100 requests a cold start, not all"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, &starter{boot: 40 * ms}, func(s *pool.Settings) { s.FreezeAfter = time.Second })
				fn := wishing(c.keep)
				h.Keep(fn.ID, fn)
				h.ok(fn, "")
				after(c.wait)
				if got := h.ok(fn, ""); got.rec.Start != c.want || got.rec.Why != c.why {
					t.Errorf("%s, %q", got.rec.Start, got.rec.Why)
				}
			})
		})
	}
}

// A wish acts on the instances that are idle already, in both directions.
func TestKeepAliveChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, nil)
		fn := wishing(lambda.Keep{})
		h.Keep(fn.ID, fn)
		h.ok(fn, "")
		fn = wishing(alive(time.Hour))
		h.Keep(fn.ID, fn)
		after(30 * time.Minute)
		if s := h.Stats(); s.Idle != 1 {
			t.Errorf("a longer one: %+v", s)
		}
		fn = wishing(alive(time.Minute))
		h.Keep(fn.ID, fn)
		after(ms)
		if s := h.Stats(); s.Idle != 0 {
			t.Errorf("a shorter one: %+v", s)
		}
	})
}

// running, frozen, reclaimed, gone.
func TestTiers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{frees: 14 << 20}, func(s *pool.Settings) {
			s.FreezeAfter, s.ReclaimAfter, s.KeepAlive = time.Second, time.Minute, time.Hour
		})
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		h.ok(fn, "")
		for _, c := range []struct {
			wait                    time.Duration
			idle, frozen, reclaimed int
		}{{0, 1, 0, 0}, {time.Second, 1, 1, 0}, {58 * time.Second, 1, 1, 0}, {time.Second, 1, 0, 1}, {50 * time.Minute, 1, 0, 1}} {
			after(c.wait)
			if s := h.Stats(); s.Idle != c.idle || s.Frozen != c.frozen || s.Reclaimed != c.reclaimed {
				t.Errorf("%v later: %+v, want %+v", c.wait, s, c)
			}
		}
		got := h.ok(fn, "")
		if got.rec.Start != receipt.Warm || got.rec.Why != "the instance's memory had been pushed out while it was idle" {
			t.Errorf("%s, %q", got.rec.Start, got.rec.Why)
		}
		if got := h.ok(fn, ""); got.rec.Why != "" {
			t.Errorf("the next: %q", got.rec.Why)
		}
		after(time.Hour)
		if s := h.Stats(); s.Idle != 0 {
			t.Errorf("after the keep-alive: %+v", s)
		}
		if n := h.starter.box(0).reclaims; n != 2 {
			t.Errorf("reclaimed %d times, want once in each of two waits", n)
		}
	})
}

// A request takes an instance whose memory is being pushed out, and does not wait.
func TestReclaimHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{reclaim: 5 * time.Second, frees: 1}, func(s *pool.Settings) { s.FreezeAfter, s.ReclaimAfter = 0, time.Second })
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		h.ok(fn, "")
		after(2 * time.Second)
		if got := h.ok(fn, "1ms"); got.took != ms || got.rec.Start != receipt.Warm {
			t.Errorf("took %v, %s", got.took, got.rec.Start)
		}
	})
}

func TestNotReclaimed(t *testing.T) {
	for name, c := range map[string]struct {
		keep  lambda.Keep
		after time.Duration
	}{"never": {lambda.Keep{}, -1}, "with a p99": {lambda.Keep{P99: ms}, time.Second}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, &starter{boot: 40 * ms, frees: 1}, func(s *pool.Settings) { s.FreezeAfter, s.ReclaimAfter = 0, c.after })
				fn := wishing(c.keep)
				h.Keep(fn.ID, fn)
				h.ok(fn, "")
				after(time.Minute)
				if s := h.Stats(); s.Reclaimed != 0 || s.Frozen != 1 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// rate is the share of cold starts among n requests that come as next says, each a burst
// of some at once, after the first skip.
func rate(h *host, fn *lambda.Target, skip, n int, next func() time.Duration, burst int) float64 {
	cold := 0
	for i := range skip + n {
		time.Sleep(next())
		var answers []<-chan answer
		for range burst {
			answers = append(answers, h.spawn(fn, "200ms"))
		}
		for _, a := range answers {
			if got := <-a; got.rec.Start == receipt.Cold && i >= skip {
				cold++
			}
		}
	}
	return float64(cold) / float64(n*burst)
}

// Requests at random, 15 minutes apart on average: the keep-alive of 10 minutes makes half
// of them cold, the wish for a p99 one in a hundred.
func TestP99KeepsColdStartsOut(t *testing.T) {
	for _, c := range []struct {
		name     string
		keep     lambda.Keep
		burst    int
		low, top float64
	}{
		{"by default", lambda.Keep{}, 1, 0.4, 0.6},
		{"p99", lambda.Keep{P99: 300 * ms}, 1, 0, 0.015},
		{"p99, three at once", lambda.Keep{P99: 300 * ms}, 3, 0, 0.015},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, &starter{boot: 400 * ms}, nil)
				fn, random := wishing(c.keep), rand.New(rand.NewPCG(1, 2))
				h.Keep(fn.ID, fn)
				got := rate(h, fn, 200, 2000, func() time.Duration { return time.Duration(random.ExpFloat64() * float64(15*time.Minute)) }, c.burst)
				t.Logf("%.4f cold", got)
				if got < c.low || got > c.top {
					t.Errorf("%.4f of the requests were cold, want %v to %v", got, c.low, c.top)
				}
			})
		})
	}
}

// It keeps no more than that takes: what one burst left behind goes soon where requests
// come every second.
func TestP99SizesDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 400 * ms}, nil)
		fn := wishing(lambda.Keep{P99: 300 * ms})
		h.Keep(fn.ID, fn)
		if got := rate(h, fn, 0, 10, func() time.Duration { return time.Second }, 5); got == 0 {
			t.Error("nothing was cold at first")
		}
		if s := h.Stats(); s.Idle != 5 {
			t.Errorf("after bursts of five: %+v", s)
		}
		rate(h, fn, 6000, 1, func() time.Duration { return time.Second }, 1)
		if s := h.Stats(); s.Idle != 1 {
			t.Errorf("after one a second: %+v", s)
		}
	})
}
