package process

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

// counters is what processes have used.
type counters struct {
	cpu    time.Duration
	memory int64 // bytes now
	peak   int64 // bytes; of one process, the greatest
}

// count adds what a reaped process and the children it waited for used.
func (b *box) count(state *os.ProcessState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.past.cpu += state.UserTime() + state.SystemTime()
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		b.past.peak = max(b.past.peak, int64(usage.Maxrss)*maxRSSUnit)
	}
}

// Usage implements the method of sandbox.Sandbox. Memory is the sum of resident sets,
// which counts shared pages more than once; MemoryPeak is the greatest value seen
// here, or of a single process; orphans that ended are not in CPU.
func (b *box) Usage(ctx context.Context) (sandbox.Usage, error) {
	if err := b.checkOpen("reading the counters of"); err != nil {
		return sandbox.Usage{}, err
	}
	if err := context.Cause(ctx); err != nil {
		return sandbox.Usage{}, err
	}
	found, err := members(b.dir, sessions(b.running()))
	if err != nil {
		return sandbox.Usage{}, fmt.Errorf("reading the counters of box %s: %w", b.id, err)
	}
	now := live(found)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.past.peak = max(b.past.peak, now.memory)
	return sandbox.Usage{Memory: now.memory, MemoryPeak: b.past.peak, CPU: b.past.cpu + now.cpu}, nil
}
