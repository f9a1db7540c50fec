package process

import (
	"context"
	"fmt"
	"os"
	"slices"
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
// here, or of a single process; orphans that ended are not in CPU. A process that one of the
// box started may be missing for a second.
func (b *box) Usage(ctx context.Context) (sandbox.Usage, error) {
	if err := b.checkOpen("reading the counters of"); err != nil {
		return sandbox.Usage{}, err
	}
	if err := context.Cause(ctx); err != nil {
		return sandbox.Usage{}, err
	}
	found, err := b.seen(sessions(b.running()))
	if err != nil {
		return sandbox.Usage{}, fmt.Errorf("reading the counters of box %s: %w", b.id, err)
	}
	now := live(found)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.past.peak = max(b.past.peak, now.memory)
	return sandbox.Usage{Memory: now.memory, MemoryPeak: b.past.peak, CPU: b.past.cpu + now.cpu}, nil
}

// census is the processes of a box as a scan of /proc found them.
type census struct {
	at       time.Time
	sessions []int
	found    []candidate
}

// scanEvery is how old a census may be: a scan reads the environment of every process of the
// host, which takes longer than most invocations. Every tenth of a second it would be one request in
// a hundred that pays for it, and so a p99 that comes and goes.
const scanEvery = time.Second

// seen are the processes of the box, from the latest census if nothing was started since.
func (b *box) seen(sessions []int) ([]candidate, error) {
	slices.Sort(sessions)
	b.mu.Lock()
	latest := b.census
	b.mu.Unlock()
	if slices.Equal(latest.sessions, sessions) && time.Since(latest.at) < scanEvery {
		return latest.found, nil
	}
	found, err := members(b.dir, sessions)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.census = census{time.Now(), sessions, found}
	b.mu.Unlock()
	return found, nil
}
