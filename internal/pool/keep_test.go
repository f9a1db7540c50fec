package pool_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/receipt"
)

func TestNewGenerationTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 10 * ms}, nil)
		old, next := target("f", 1), target("f", 2)
		h.Keep(old.ID, old)
		running := h.spawn(old, "1s")
		sleep(t.Context(), 20*ms)
		h.Keep(next.ID, next)
		a := h.ok(next, "")
		if !strings.HasSuffix(a.body, "generation 2") || a.rec.Why != "configuration changed" {
			t.Errorf("answer %q, why %q", a.body, a.rec.Why)
		}
		if a := <-running; a.err != nil || !strings.HasSuffix(a.body, "generation 1") {
			t.Errorf("the running request: %q, %v", a.body, a.err)
		}
		synctest.Wait()
		if !h.starter.box(0).isClosed() {
			t.Error("the old instance did not leave")
		}
	})
}

func TestChangedConfigurationIsTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, nil)
		old, next := target("f", 1), target("f", 2)
		h.Keep(old.ID, old)
		h.ok(old, "")
		h.Keep(next.ID, next)
		synctest.Wait()
		if !h.starter.box(0).isClosed() {
			t.Error("the idle instance of the old generation did not leave at once")
		}
		if a := h.ok(next, ""); a.rec.Why != "configuration changed" || a.rec.Start != receipt.Cold {
			t.Errorf("%s, %q", a.rec.Start, a.rec.Why)
		}
	})
}

func TestWaitingRequestsSurviveAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 20 * ms}, nil)
		old, next := target("f", 1), target("f", 2)
		h.Keep(old.ID, old)
		waiting := h.spawn(old, "")
		synctest.Wait()
		h.Keep(next.ID, next)
		if a := <-waiting; a.err != nil || !strings.HasSuffix(a.body, "generation 1") {
			t.Errorf("%q, %v", a.body, a.err)
		}
		late := h.ok(old, "") // resolved before the change, arrives after it
		if !strings.HasSuffix(late.body, "generation 1") {
			t.Errorf("%q", late.body)
		}
		synctest.Wait()
		if s := h.Stats(); s != (pool.Stats{}) {
			t.Errorf("stats = %+v: instances of the old generation stayed", s)
		}
	})
}

func TestUnchangedVersionsKeepTheirInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, nil)
		latest, one := target("f", 1), target("f", 1)
		one.Version.Version = "1"
		h.Keep(latest.ID, latest, one)
		h.ok(latest, "")
		h.ok(one, "")
		changed := target("f", 2)
		h.Keep(latest.ID, changed, one)
		if a := h.ok(one, ""); a.rec.Start != receipt.Warm {
			t.Errorf("version 1: %s, %q", a.rec.Start, a.rec.Why)
		}
		if a := h.ok(changed, ""); a.rec.Start != receipt.Cold {
			t.Errorf("$LATEST: %s", a.rec.Start)
		}
	})
}

func TestRemovedFunctionFinishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		running := h.spawn(fn, "1s")
		synctest.Wait()
		h.ok(fn, "")
		h.Keep(fn.ID)
		if a := <-running; a.err != nil {
			t.Errorf("the running request failed: %v", a.err)
		}
		synctest.Wait()
		if s := h.Stats(); s != (pool.Stats{}) {
			t.Errorf("stats = %+v, want nothing left", s)
		}
	})
}

func TestRecreatedFunctionDoesNotMeetOldInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{}, nil)
		fn := target("f", 1)
		h.Keep(fn.ID, fn)
		running := h.spawn(fn, "1s")
		synctest.Wait()
		h.Keep(fn.ID)
		again := target("f", 1) // the same generation, other code
		h.Keep(again.ID, again)
		<-running
		if a := h.ok(again, ""); strings.HasPrefix(a.body, "box-1 ") {
			t.Errorf("the new function was answered by the old one's instance: %q", a.body)
		}
	})
}

func TestUpdatesUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 3 * ms}, nil)
		h.Keep(target("f", 1).ID, target("f", 1))
		var all []<-chan answer
		var want []string
		for generation := uint64(1); generation <= 50; generation++ {
			fn := target("f", generation)
			h.Keep(fn.ID, fn)
			for i := range 8 {
				all = append(all, h.spawn(fn, fmt.Sprintf("%dms", i)))
				want = append(want, fmt.Sprintf("generation %d", generation))
			}
			sleep(t.Context(), ms)
		}
		for i, c := range all {
			if a := <-c; a.err != nil || !strings.HasSuffix(a.body, want[i]) {
				t.Errorf("request %d: %q, %v; want %s", i, a.body, a.err, want[i])
			}
		}
		synctest.Wait()
		if s := h.Stats(); s.Busy+s.Starting+s.Waiting != 0 || s.Memory != 128*s.Idle {
			t.Errorf("stats = %+v: old generations left something", s)
		}
	})
}

// other makes a function with another memory size.
func other(name string, memory int) *lambda.Target {
	t := target(name, 1)
	t.Version.MemorySize = memory
	return t
}
