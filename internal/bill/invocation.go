package bill

import (
	"math"
	"time"
)

// An Invocation is what Lambda reported of one.
type Invocation struct {
	Function string
	Ended    time.Time // zero where the log does not say
	Duration time.Duration
	Billed   time.Duration // Billed Duration, a multiple of 1 ms
	Restored time.Duration // Billed Restore Duration
	MemoryMB int64
	UsedMB   int64 // Max Memory Used
	Init     time.Duration
	Restore  time.Duration
	Cold     bool // it has an Init Duration
	Failed   bool // it has a Status that is not success
}

// arrived is when its request arrived: before its start, if it waited for one. Preconditions:
// Ended is known.
func (v *Invocation) arrived() time.Time { return v.Ended.Add(-v.Duration - v.Init - v.Restore) }

// billedInit is the part of Billed Duration that INIT is: AWS bills it since 2025-08-01, and
// lines older than that do not hold it.
func (v *Invocation) billedInit() time.Duration {
	if !v.Cold {
		return 0
	}
	return max(0, v.Billed-roundUp(v.Duration))
}

// roundUp is a duration in whole milliseconds, as they are billed.
func roundUp(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}

// milliseconds turns what logs print into a duration. Figures that cannot be are false.
func milliseconds(ms float64) (time.Duration, bool) {
	if math.IsNaN(ms) || ms < 0 || ms > most.Seconds()*1000 {
		return 0, false
	}
	return time.Duration(math.Round(ms * float64(time.Millisecond))), true
}

// most is longer than any function may run.
const most = 24 * time.Hour

// mostMB is more memory than any function may have.
const mostMB = 1 << 20

func (v *Invocation) valid() bool {
	return v.MemoryMB > 0 && v.MemoryMB <= mostMB && v.UsedMB >= 0 && v.UsedMB <= mostMB
}
