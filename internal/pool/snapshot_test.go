package pool_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/receipt"
)

// snapStarted is a version whose initialised instances wait.
func snapStarted(number string) *lambda.Target {
	t := version(number)
	t.Version.SnapStart = lambda.SnapStartVersions
	return t
}

// freezing has what is idle freeze and expire as by default.
func freezing(s *pool.Settings) {
	s.FreezeAfter, s.KeepAlive = pool.DefaultSettings().FreezeAfter, pool.DefaultSettings().KeepAlive
}

// waits checks how many instances are idle and frozen once nothing moves.
func (h *host) waits(n int) {
	h.t.Helper()
	synctest.Wait()
	if s := h.Stats(); s.Frozen != n || s.Starting != 0 {
		h.t.Errorf("%+v, want %d frozen", s, n)
	}
}

func TestSnapshotIsMadeBeforeItIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 40 * ms}, freezing)
		v := snapStarted("1")
		h.Keep(v.ID, v)
		if err := h.Snapshot(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		h.waits(1)
		if box := h.starter.box(0); !box.target.Snapshot || box.target.Provisioned {
			t.Errorf("the instance was told %+v", box.target)
		}
	})
}

func TestSnapshotsAreTakenAndReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 40 * ms}, freezing)
		v := snapStarted("1")
		h.Keep(v.ID, v)
		h.Snapshots(v.ID, v)
		after(50 * ms)
		h.waits(2)
		first := h.ok(v, "")
		if first.rec.Start != receipt.Restore || first.rec.Why != "first invocation of this version" || first.took != 0 {
			t.Errorf("first: %s, %q, after %v", first.rec.Start, first.rec.Why, first.took)
		}
		if second := h.ok(v, ""); second.rec.Start != receipt.Warm {
			t.Errorf("second: %s", second.rec.Start)
		}
		after(50 * ms)
		if starts, open := h.starter.live(); starts != 3 || open != 3 {
			t.Errorf("%d starts, %d instances, want 3 of each", starts, open)
		}
	})
}

func TestBurstBeyondSnapshots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 40 * ms}, freezing)
		v := snapStarted("1")
		h.Keep(v.ID, v)
		h.Snapshots(v.ID, v)
		after(50 * ms)
		var answers []<-chan answer
		for range 6 {
			answers = append(answers, h.spawn(v, "500ms"))
			synctest.Wait()
		}
		counts := map[receipt.StartKind]int{}
		for i, got := range answers {
			a := <-got
			counts[a.rec.Start]++
			if missed := strings.HasSuffix(a.rec.Why, "all initialised instances were taken"); missed != (i >= 2) {
				t.Errorf("request %d: %s, %q", i, a.rec.Start, a.rec.Why)
			}
		}
		if counts[receipt.Restore] != 2 || counts[receipt.Cold] != 4 {
			t.Errorf("starts: %v", counts)
		}
		h.refilled(v)
	})
}

// refilled checks that two snapshots wait beside the instances that were used.
func (h *host) refilled(v *lambda.Target) {
	h.t.Helper()
	after(2 * pool.DefaultSettings().KeepAlive)
	h.waits(2)
	if a := h.ok(v, ""); a.rec.Start != receipt.Restore {
		h.t.Errorf("after the keep-alive: %s, %q", a.rec.Start, a.rec.Why)
	}
}

func TestSnapshotsMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: ms}, func(s *pool.Settings) { freezing(s); s.MemoryBudget = 3 * 128 })
		v, other := snapStarted("1"), target("other", 1)
		h.Keep(v.ID, v)
		h.Keep(other.ID, other)
		h.Snapshots(v.ID, v)
		after(10 * ms)
		busy := []<-chan answer{h.spawn(other, "50ms"), h.spawn(other, "50ms"), h.spawn(other, "50ms")}
		for _, b := range busy {
			if a := <-b; a.err != nil || a.took > 60*ms {
				t.Errorf("beside snapshots: %v after %v", a.err, a.took)
			}
		}
		if a := h.ok(v, ""); a.rec.Start != receipt.Cold {
			t.Errorf("without snapshots: %s", a.rec.Start)
		}
		h.waits(0) // nothing is evicted for one that nobody asked for
	})
}

// A request may take a snapshot and leave before it is restored.
func TestSnapshotOfARequestThatLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 40 * ms, freeze: 5 * ms}, freezing)
		v := snapStarted("1")
		h.Keep(v.ID, v)
		if err := h.Snapshot(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancelCause(t.Context())
		got := make(chan answer, 1)
		go func() { got <- h.call(ctx, v, "") }() // waits for the freeze that is under way
		synctest.Wait()
		leave(errors.New("left"))
		if a := <-got; a.err == nil {
			t.Error("the request that left got an answer")
		}
		if a := h.ok(v, "1ms"); a.rec.Start != receipt.Restore || a.rec.Why == "" {
			t.Errorf("%s, %q", a.rec.Start, a.rec.Why)
		}
	})
}

func TestSnapshotOfAFunctionThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := fmt.Errorf("%w: %w", instance.ErrInit, &lambda.InitFailure{Type: "Runtime.ImportModuleError"})
		h := newHost(t, &starter{failure: func(int, *lambda.Target) error { return broken }}, freezing)
		v := snapStarted("1")
		h.Keep(v.ID, v)
		if err := h.Snapshot(t.Context(), v); !errors.Is(err, instance.ErrInit) {
			t.Errorf("Snapshot: %v", err)
		}
		h.Snapshots(v.ID, v)
		h.waits(0)
		after(pool.DefaultSettings().KeepAlive)
		if starts, _ := h.starter.live(); starts != 3 {
			t.Errorf("%d starts: it is not tried again before somebody wants it", starts)
		}
	})
}

func TestSnapshotsLeaveWithTheirVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 40 * ms}, freezing)
		v, next := snapStarted("1"), snapStarted("2")
		h.Keep(v.ID, v, next)
		h.Snapshots(v.ID, v)
		after(50 * ms)
		h.Snapshots(v.ID, v, next) // of next they are under way
		after(10 * ms)
		h.Keep(v.ID)
		h.Snapshots(v.ID)
		synctest.Wait()
		if _, open := h.starter.live(); open != 0 || h.Stats() != (pool.Stats{}) {
			t.Errorf("%d instances are left: %+v", open, h.Stats())
		}
	})
}

func TestASnapshotThatDiedIsNotGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &starter{boot: 40 * ms}, freezing)
		v := snapStarted("1")
		h.Keep(v.ID, v)
		h.Snapshots(v.ID, v)
		after(50 * ms)
		h.starter.box(0).die()
		h.starter.box(1).die()
		synctest.Wait()
		if a := h.ok(v, ""); a.rec.Start != receipt.Cold {
			t.Errorf("%s", a.rec.Start)
		}
		after(50 * ms)
		h.waits(2)
	})
}
