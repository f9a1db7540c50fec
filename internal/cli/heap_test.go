package cli

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestHeapRoom(t *testing.T) {
	for scanned, want := range map[uint64]int{0: 1600, 4 << 20: 1600, 16 << 20: 400, 64 << 20: 100, 1 << 30: 100} {
		if got := percentFor(scanned); got != want {
			t.Errorf("percentFor(%d MiB) = %d, want %d", scanned>>20, got, want)
		}
	}
}

// What lives grows and shrinks, and the ratio follows after a collection; in the end it is what
// it was.
func TestHeapIsPacedAnew(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	end := paceHeap()
	await(t, "room in a small heap", func(percent int) bool { return percent > 100 })
	live := make([]byte, 2*heapRoom)
	await(t, "Go's own ratio in a large one", func(percent int) bool { return percent == 100 })
	runtime.KeepAlive(live)
	await(t, "room when it has shrunk", func(percent int) bool { return percent > 100 })
	end()
	if got := ratioSet(); got != 100 {
		t.Errorf("%d %% in the end, want 100", got)
	}
}

func await(t *testing.T, what string, is func(int) bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(ratioSet()); runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatalf("no %s: %d %%", what, ratioSet())
		}
	}
}

// ratioSet is the ratio that is set.
func ratioSet() int {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return int(sample[0].Value.Uint64())
}
