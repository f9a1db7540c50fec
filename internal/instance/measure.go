package instance

import (
	"context"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/sandbox"
)

// staleAfter is how old the reading at the end of one invocation may be to be the one at
// the beginning of the next. What happens in an idle instance is nobody's: timers and
// garbage collections of its runtime, and their waiting beside others.
const staleAfter = time.Millisecond

// reading is what a box had used at a moment.
type reading struct {
	sandbox.Usage
	at time.Time
}

// read reads the box's counters; not ok means that it has died: its watcher says so.
func (i *Instance) read() (reading, bool) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), syncLimit, errTimeout)
	defer cancel()
	u, err := i.box.Usage(ctx)
	return reading{u, time.Now()}, err == nil
}

// cpu is read by the board of neighbours, at any time.
func (i *Instance) cpu() (time.Duration, bool) {
	r, ok := i.read()
	return r.CPU, ok
}

// baseline reads what the invocation's use is counted from.
func (c *call) baseline() {
	c.before = c.i.usage
	if time.Since(c.before.at) > staleAfter {
		if now, ok := c.i.read(); ok {
			c.before = now
		}
	}
	c.i.beside.Begin(c.inv.RequestID, c.before.CPU)
}

// measure puts what the box has used since on the receipt.
func (c *call) measure() {
	now, ok := c.i.read()
	if !ok {
		return
	}
	c.receipt.MemoryPeak = now.MemoryPeak
	c.receipt.Used = used(&c.before.Usage, &now.Usage)
	c.i.beside.End(c.receipt.Used.CPU.Value)
	c.i.usage = now
}

// used is what was used between two readings. Threads that a quota holds back count as
// waiting, in part, on kernels before the quota acts on tasks (Linux 6.18): Waiting has
// it taken off, and is rather too small than too great.
func used(before, now *sandbox.Usage) receipt.Used {
	u := receipt.Used{
		CPU:       receipt.Of(max(now.CPU-before.CPU, 0)),
		Throttled: between(before.Throttled, now.Throttled), Waiting: between(before.Waiting, now.Waiting),
		MemoryStall: between(before.MemoryStall, now.MemoryStall), IOStall: between(before.IOStall, now.IOStall),
		Faults: between(before.Faults, now.Faults), MajorFaults: between(before.MajorFaults, now.MajorFaults),
		ReadBytes: between(before.ReadBytes, now.ReadBytes), WrittenBytes: between(before.WrittenBytes, now.WrittenBytes),
	}
	if u.Waiting.Known {
		u.Waiting.Value = max(u.Waiting.Value-u.Throttled.Value, 0)
	}
	return u
}

// between is known if both readings are.
func between[T ~int64](before, now sandbox.Counter[T]) (a receipt.Amount[T]) {
	if before.Known && now.Known {
		a = receipt.Of(max(now.Value-before.Value, 0))
	}
	return a
}

// classOf is the class that an instance starts in. What is started for an event may serve
// a caller that waits: without a tag it starts in the latency class.
func classOf(t *lambda.Target) lambda.Class {
	if t.Class != 0 {
		return t.Class
	}
	return lambda.ClassLatency
}

// setClass gives the box the class of the invocation that it is about to get. It keeps it
// while it is idle, so that only a change writes anything. A box that cannot change goes
// on as it is: a class is a share, not a wall.
func (i *Instance) setClass(ctx context.Context, class lambda.Class) {
	box, ok := i.box.(sandbox.Classed)
	if !ok || i.class == class {
		return
	}
	if err := box.SetClass(ctx, class); err != nil {
		i.deps.Log.Warn("an instance keeps its class", "instance", i.id, "wanted", class, "error", err)
		return
	}
	i.class = class
}
