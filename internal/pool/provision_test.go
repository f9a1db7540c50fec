package pool_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/receipt"
)

// version makes a target of a published version.
func version(number string) *lambda.Target {
	t := target("f", 1)
	t.Version.Version, t.Version.Timeout = number, 3
	return t
}

// provision names versions as current and says what of them is wanted.
func (h *host) provision(current []*lambda.Target, wants ...pool.Want) {
	h.Keep(current[0].ID, current...)
	h.Provision(current[0].ID, wants...)
}

func want(qualifier string, t *lambda.Target, n int) pool.Want {
	return pool.Want{Qualifier: qualifier, Target: t, Executions: n}
}

// has checks the state of a configuration once nothing moves.
func (h *host) has(qualifier, status string, allocated, available int) {
	h.t.Helper()
	synctest.Wait()
	s := h.Provisioned(target("f", 1).ID, qualifier)
	if s.Status != status || s.Allocated != allocated || s.Available != available {
		h.t.Errorf("%s: %+v, want %s %d %d", qualifier, s, status, allocated, available)
	}
}

func TestProvisionedAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 40 * ms}, nil)
		v := version("1")
		h.provision([]*lambda.Target{v}, want("1", v, 2))
		h.has("1", lambda.ProvisionedInProgress, 0, 0)
		after(40 * ms)
		h.has("1", lambda.ProvisionedReady, 2, 2)
		if !h.starter.box(0).target.Provisioned {
			t.Error("the instance is not told that it is provisioned")
		}
		first, second := h.spawn(v, "10ms"), h.spawn(v, "10ms")
		synctest.Wait()
		h.has("1", lambda.ProvisionedReady, 2, 0)
		third := h.ok(v, "") // whichever comes first
		if third.rec.Start != receipt.Provisioned || third.took != 10*ms {
			t.Errorf("third: %s after %v", third.rec.Start, third.took)
		}
		for _, got := range []answer{<-first, <-second} {
			if got.rec.Start != receipt.Provisioned || got.rec.Why != "" || got.took != 10*ms {
				t.Errorf("%s, %q, %v", got.rec.Start, got.rec.Why, got.took)
			}
		}
	})
}

func TestSpillOverGoesOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 40 * ms}, nil)
		v := version("1")
		h.provision([]*lambda.Target{v}, want("1", v, 1))
		after(40 * ms)
		busy := h.spawn(v, "1s")
		synctest.Wait()
		spilt := h.ok(v, "")
		if spilt.rec.Start != receipt.Cold || spilt.rec.Why != "the only provisioned instance is busy" || h.starter.box(1).target.Provisioned {
			t.Errorf("%s, %q", spilt.rec.Start, spilt.rec.Why)
		}
		<-busy
		if again := h.ok(v, ""); again.rec.Start != receipt.Provisioned {
			t.Errorf("with both free: %s", again.rec.Start)
		}
	})
}

// Neither time nor anybody's need for memory takes a provisioned instance.
func TestProvisionedStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: ms}, func(s *pool.Settings) {
			s.KeepAlive, s.FreezeAfter, s.MemoryBudget, s.QueueTimeout = 100*ms, 0, 384, time.Second
		})
		v, other := version("1"), target("other", 1)
		h.Keep(other.ID, other)
		h.provision([]*lambda.Target{v}, want("1", v, 2))
		after(time.Hour)
		h.ok(other, "")
		throttle(t, h.call(t.Context(), big(other, 300), "").err)
		h.has("1", lambda.ProvisionedReady, 2, 2)
		if freezes, _ := h.starter.box(0).ice(); freezes != 0 {
			t.Error("a provisioned instance was frozen")
		}
	})
}

func big(t *lambda.Target, memory int) *lambda.Target {
	other := *t
	other.ID.Name, other.Version.MemorySize = "big", memory
	return &other
}

func TestProvisionedThatDieAreReplaced(t *testing.T) {
	for _, how := range []string{"die", "crash", "reset-timeout"} {
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t, &starter{boot: 10 * ms}, nil)
			v := version("1")
			h.provision([]*lambda.Target{v}, want("1", v, 1))
			after(time.Minute)
			if how == "die" {
				h.starter.box(0).die()
			} else {
				h.ok(v, how)
			}
			h.has("1", lambda.ProvisionedInProgress, 0, 0)
			after(10 * ms)
			h.has("1", lambda.ProvisionedReady, 1, 1)
			if got := h.ok(v, ""); got.body != "box-2 generation 1" || got.rec.Start != receipt.Provisioned {
				t.Errorf("after %s: %q, %s", how, got.body, got.rec.Start)
			}
		})
	}
}

// One that ends as soon as it is there is not started in a loop.
func TestProvisionedThatCannotLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 10 * ms}, nil)
		v := version("1")
		h.provision([]*lambda.Target{v}, want("1", v, 1))
		after(11 * ms)
		h.starter.box(0).die()
		h.has("1", lambda.ProvisionedFailed, 0, 0)
		after(2 * time.Second)
		h.has("1", lambda.ProvisionedReady, 1, 1)
	})
}

func TestProvisionedFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &starter{boot: 10 * ms}
		broken := true
		s.failure = func(int, *lambda.Target) error {
			if broken {
				return fmt.Errorf("starting f: %w: Runtime.ImportModuleError", instance.ErrInit)
			}
			return nil
		}
		h := newHost(t, s, nil)
		v := version("1")
		h.provision([]*lambda.Target{v}, want("1", v, 1))
		after(10 * ms)
		h.has("1", lambda.ProvisionedFailed, 0, 0)
		if s := h.Provisioned(v.ID, "1"); s.Reason != lambda.ReasonInitFailure {
			t.Errorf("reason %q", s.Reason)
		}
		after(10 * time.Second) // tried after 1, 2, 4 s
		if starts, _ := s.live(); starts != 4 {
			t.Errorf("%d starts in 10 s, want 4", starts)
		}
		broken = false
		w := want("1", v, 1)
		w.Asked = time.Now() // asked for anew: at once
		h.Provision(v.ID, w)
		h.has("1", lambda.ProvisionedInProgress, 0, 0)
		after(10 * ms)
		h.has("1", lambda.ProvisionedReady, 1, 1)
	})
}

func TestProvisionedBeyondTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: ms}, func(s *pool.Settings) { s.MemoryBudget = 512 })
		v := version("1")
		h.provision([]*lambda.Target{v}, want("1", v, 2))
		after(ms)
		h.Provision(v.ID, want("1", v, 5))
		h.has("1", lambda.ProvisionedFailed, 2, 2)
		if s := h.Provisioned(v.ID, "1"); !strings.Contains(s.Reason, "512 MB") {
			t.Errorf("reason %q", s.Reason)
		}
		h.Provision(v.ID, want("1", v, 4))
		after(ms)
		h.has("1", lambda.ProvisionedReady, 4, 4)
		if m := h.Stats().Memory; m != 512 {
			t.Errorf("%d MiB", m)
		}
	})
}

// What lacked memory gets it as soon as somebody gives some back.
func TestProvisionedGetsWhatIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: ms, close: ms}, func(s *pool.Settings) { s.MemoryBudget = 256 })
		v, other := version("1"), version("1")
		other.ID.Name = "other"
		h.Keep(other.ID, other)
		h.Provision(other.ID, want("1", other, 2))
		h.provision([]*lambda.Target{v}, want("1", v, 1))
		after(time.Hour)
		h.has("1", lambda.ProvisionedFailed, 0, 0)
		h.Provision(other.ID, want("1", other, 1))
		after(3 * ms)
		h.has("1", lambda.ProvisionedReady, 1, 1)
		h.Provision(v.ID, want("1", v, 2))
		h.has("1", lambda.ProvisionedFailed, 1, 1)
		h.Keep(other.ID) // removed
		h.Provision(other.ID)
		after(3 * ms)
		h.has("1", lambda.ProvisionedReady, 2, 2)
	})
}

// A busy instance on demand has the memory until it is done.
func TestProvisionedWaitsForBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: ms}, func(s *pool.Settings) { s.MemoryBudget = 256 })
		v, other := version("1"), target("other", 1)
		h.Keep(other.ID, other)
		busy := h.spawn(other, "10s")
		synctest.Wait()
		h.provision([]*lambda.Target{v}, want("1", v, 2))
		after(9 * time.Second)
		h.has("1", lambda.ProvisionedInProgress, 1, 1)
		<-busy
		after(10 * ms)
		h.has("1", lambda.ProvisionedReady, 2, 2)
	})
}

// What an alias has stays until there is as much of the version that it moved to.
func TestProvisionedMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 40 * ms, close: ms}, nil)
		one, two := version("1"), version("2")
		both := []*lambda.Target{one, two}
		h.provision(both, want("live", one, 1))
		after(40 * ms)
		h.provision(both, want("live", two, 1))
		h.has("live", lambda.ProvisionedInProgress, 1, 1)
		after(40 * ms)
		h.has("live", lambda.ProvisionedReady, 1, 1)
		after(2 * ms)
		if s := h.Stats(); s.Memory != 128 || s.Provisioned != 1 {
			t.Errorf("after the move: %+v", s)
		}
		if got := h.ok(two, ""); got.rec.Start != receipt.Provisioned {
			t.Errorf("%s", got.rec.Start)
		}
	})
}

// Where both do not fit, the old ones make room.
func TestProvisionedMovesWithoutRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 40 * ms, close: ms}, func(s *pool.Settings) { s.MemoryBudget = 256 })
		one, two := version("1"), version("2")
		both := []*lambda.Target{one, two}
		h.provision(both, want("live", one, 2))
		after(40 * ms)
		h.provision(both, want("live", two, 2))
		after(50 * ms)
		h.has("live", lambda.ProvisionedReady, 2, 2)
		if s := h.Stats(); s.Memory != 256 {
			t.Errorf("%+v", s)
		}
	})
}

// An alias that moves forth and back finds its instances.
func TestProvisionedMovesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 40 * ms}, nil)
		one, two := version("1"), version("2")
		both := []*lambda.Target{one, two}
		h.provision(both, want("live", one, 1))
		after(40 * ms)
		h.provision(both, want("live", two, 1))
		after(10 * ms)
		h.provision(both, want("live", one, 1))
		h.has("live", lambda.ProvisionedReady, 1, 1)
		after(time.Second)
		if starts, open := h.starter.live(); starts != 2 || open != 1 {
			t.Errorf("%d starts, %d open", starts, open)
		}
	})
}

func TestProvisionedIsReleased(t *testing.T) {
	for name, end := range map[string]func(*host, *lambda.Target){
		"lowered":         func(h *host, v *lambda.Target) { h.Provision(v.ID) },
		"version deleted": func(h *host, v *lambda.Target) { h.provision([]*lambda.Target{target("f", 1)}) },
		"removed":         func(h *host, v *lambda.Target) { h.Keep(v.ID); h.Provision(v.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, &starter{boot: 10 * ms}, func(s *pool.Settings) { s.MemoryBudget = 256 })
				v := version("1")
				h.provision([]*lambda.Target{v}, want("1", v, 2))
				after(10 * ms)
				busy := h.spawn(v, "1s")
				synctest.Wait()
				end(h, v)
				synctest.Wait()
				if s := h.Stats(); s.Memory != 128 {
					t.Errorf("with one busy: %+v", s)
				}
				if got := <-busy; got.err != nil {
					t.Error(got.err)
				}
				synctest.Wait()
				if s := h.Stats(); s != (pool.Stats{}) {
					t.Errorf("left: %+v", s)
				}
				again := version("2")
				h.provision([]*lambda.Target{again}, want("2", again, 2)) // the memory is free again
				after(10 * ms)
				h.has("2", lambda.ProvisionedReady, 2, 2)
			})
		})
	}
}

func TestCloseEndsProvisionedStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &starter{boot: time.Minute}
		s.failure = func(n int, _ *lambda.Target) error {
			if n == 1 {
				return errors.New("no")
			}
			return nil
		}
		h := newHost(t, s, nil)
		v := version("1")
		h.provision([]*lambda.Target{v}, want("1", v, 3))
		after(61 * time.Second) // one has failed, and starts again
		began := time.Now()
		h.finish()
		if took := time.Since(began); took > time.Second {
			t.Errorf("closing took %v", took)
		}
	})
}

// after lets time pass, and all happen that is due then.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
