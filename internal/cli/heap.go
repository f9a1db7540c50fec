package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// heapRoom is how much may be allocated between two garbage collections at least, in bytes.
// Go's own rule is as much as lives, which here is some MiB: under full load that is a
// collection every few ms, and a third of the daemon's CPU time. What does not get used costs
// nothing.
const heapRoom = 64 << 20

// pacer keeps heapRoom. Go knows a ratio only (GOGC), so it is set anew after each collection.
type pacer struct {
	usual   int // percent, what Go began with
	percent int // what is set; belongs to who paces
	ended   atomic.Bool
}

// paceHeap keeps the room until the function that it returns is called. The heap is the
// process's: a GOGC of its owner stays as it is.
func paceHeap() (end func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	p := &pacer{usual: debug.SetGCPercent(100)}
	p.percent = p.usual
	p.pace()
	return func() { p.ended.Store(true); debug.SetGCPercent(p.usual) }
}

// cycle is garbage from the start: it is cleaned up after the next collection.
type cycle struct{ _ [64]byte } // no tiny object, which may share its fate with others

// pace sets the ratio now and after each collection. The runtime calls one clean-up after the
// other.
func (p *pacer) pace() {
	if p.ended.Load() {
		return
	}
	if next := percentFor(scanned()); changed(p.percent, next) {
		p.percent = next
		debug.SetGCPercent(next)
	}
	runtime.AddCleanup(new(cycle), (*pacer).pace, p)
}

// percentFor is the ratio that leaves heapRoom where a collection looks through so many bytes,
// and Go's usual one where that leaves more.
func percentFor(scanned uint64) int {
	const usual = 100
	const least = 4 << 20 // below it Go's least heap, which grows with the ratio, would be more than the room
	return int(max(usual, usual*heapRoom/max(scanned, least)))
}

// changed spares what a ratio costs that is set: the world stops.
func changed(from, to int) bool { return 8*max(from-to, to-from) > from }

// scanned is what Go reckons the next collection from: what the last one found alive, stacks and
// globals, in bytes; without the first before that.
func scanned() (sum uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(samples)
	for _, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 {
			sum += s.Value.Uint64()
		}
	}
	return sum
}
