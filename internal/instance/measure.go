package instance

import (
	"context"
	"runtime"
	"sync"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/sandbox"
)

// staleAfter is how old a reading of all counters may be to be the one at the beginning of
// an invocation. What happens in an idle instance is nobody's: timers and garbage
// collections of its runtime, and their waiting beside others.
//
// It also bounds what a receipt may show of others: see short.
const staleAfter = 5 * time.Millisecond

// short is an invocation that cannot have waited for long. At its end only CPU time and memory
// are read where a reading of all is not stale: reading all was a sixth of what Lambent did for
// invocations that follow each other. What it waited, less than this, may be on the receipt
// of one that takes longer and begins before the reading is stale.
const short = time.Millisecond

// gauge knows what the box has used and what runs in it. Nothing waits for it but other
// invocations of the same instance.
type gauge struct {
	mu      sync.Mutex    // guards what follows
	last    reading       // of all counters; its CPU time and memory are as the last invocation left them
	first   time.Duration // CPU time when the first of those that run began
	begun   uint64        // invocations so far
	running int
	waited  int // of those that run, in the latency class: somebody waits
	class   lambda.Class
	work    work
	watched bool // its turn is thought of soon
	coarse  bool // the box tells no more than CPU time and memory
}

// reading is what a box had used at a moment.
type reading struct {
	sandbox.Usage
	at time.Time
}

// detailed says that it has more than CPU time and memory.
func (r reading) detailed() bool { return r.Waiting.Known || r.Faults.Known }

// use is one invocation's part of the gauge.
type use struct {
	before reading
	nth    uint64 // of the instance's invocations
	shared bool   // others ran when it began
	waited bool
}

// read reads the box's counters; not ok means that it has died: its watcher says so.
func (i *Instance) read(ctx context.Context) (reading, bool) {
	u, err := i.box.Usage(ctx)
	return reading{u, time.Now()}, err == nil
}

// brief reads what every invocation needs to know, at the end of a short one, where all
// counters were read just now and the box can tell it for less.
func (i *Instance) brief(ctx context.Context, began time.Time) (sandbox.Usage, bool) {
	box, ok := i.box.(sandbox.Brief)
	if !ok || time.Since(began) >= short || !i.justRead() {
		return sandbox.Usage{}, false
	}
	u, err := box.Brief(ctx)
	return u, err == nil
}

// justRead says whether a reading of all counters would tell no more. The first invocation
// has one of its own, if there is one from before it.
func (i *Instance) justRead() bool {
	i.gauge.mu.Lock()
	defer i.gauge.mu.Unlock()
	g := &i.gauge
	return !g.coarse && (g.begun > 1 || !g.last.detailed()) && time.Since(g.last.at) < staleAfter
}

// firstReading is the one at the end of the initialisation.
func (i *Instance) firstReading(ctx context.Context) (err error) {
	i.gauge.mu.Lock()
	defer i.gauge.mu.Unlock()
	now := reading{at: time.Now()}
	now.Usage, err = i.box.Usage(ctx)
	i.gauge.keep(now)
	return err
}

// firstBrief is firstReading where a request waits: of CPU time and memory only, where the box
// tells them for less.
func (i *Instance) firstBrief(ctx context.Context) error {
	box, ok := i.box.(sandbox.Brief)
	if !ok {
		return i.firstReading(ctx)
	}
	u, err := box.Brief(ctx)
	i.gauge.mu.Lock()
	defer i.gauge.mu.Unlock()
	i.gauge.last = reading{u, time.Now()}
	return err
}

// keep notes a reading of all counters. Preconditions: mu is held.
func (g *gauge) keep(now reading) { g.last, g.coarse = now, !now.detailed() }

// cpu is read by the board of neighbours, at any time.
func (i *Instance) cpu() (time.Duration, bool) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), syncLimit, errTimeout)
	defer cancel()
	r, ok := i.read(ctx)
	return r.CPU, ok
}

// beginUse readies the box for the invocation that it is about to get: its class, and the
// reading that what it uses is counted from.
func (c *call) beginUse(ctx context.Context) {
	g := &c.i.gauge
	g.mu.Lock()
	defer g.mu.Unlock()
	g.begun++
	c.use = use{nth: g.begun, shared: g.running > 0, waited: c.inv.Class() == lambda.ClassLatency}
	if g.running++; c.use.waited {
		g.waited++
	}
	c.i.setClass(ctx)
	c.i.watchTurn()
	if c.use.shared {
		return
	}
	if !g.coarse && time.Since(g.last.at) > staleAfter {
		if now, ok := c.i.read(ctx); ok {
			g.keep(now)
		}
	}
	c.use.before = g.last
	g.first = c.use.before.CPU
	if g.begun == 1 {
		g.work = work{since: c.began, cpu: g.first} // the initialisation is no invocation's
	}
	c.i.beside.Begin(c.inv.RequestID, g.first)
}

// measure puts what the box has used since on the receipt.
func (c *call) measure(ctx context.Context) {
	if now, ok := c.i.brief(ctx, c.began); ok {
		c.take(reading{Usage: now}, true)
	} else if now, ok := c.i.read(ctx); ok {
		c.take(now, false)
	}
}

// take puts a reading on the receipt and on the gauge.
func (c *call) take(now reading, brief bool) {
	c.receipt.MemoryPeak = now.MemoryPeak
	g := &c.i.gauge
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case now.CPU < g.last.CPU: // another invocation has measured later
	case brief:
		g.last.CPU, g.last.MemoryPeak = now.CPU, now.MemoryPeak
	default:
		g.keep(now)
	}
	if c.use.shared || g.begun != c.use.nth {
		c.receipt.Used = receipt.Used{Shared: true}
		return
	}
	c.receipt.Used = used(&c.use.before.Usage, &now.Usage)
}

// endUse takes the invocation off the gauge. The class changes when those that go on
// are all of the other one.
func (c *call) endUse(ctx context.Context) {
	g := &c.i.gauge
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running--; c.use.waited {
		g.waited--
	}
	c.i.settleTurn(context.WithoutCancel(ctx), g.last.CPU) // its own time may be up
	if g.running > 0 {
		c.i.setClass(context.WithoutCancel(ctx)) // as above
		return
	}
	c.i.beside.End(max(g.last.CPU-g.first, 0))
}

// setClass gives the box the class of what runs in it: the latency class if somebody
// waits for any of it. It keeps it while it is idle, so that only a change writes
// anything. A box that cannot change goes on as it is: a class is a share, not a wall.
// Preconditions: gauge.mu is held, something runs.
func (i *Instance) setClass(ctx context.Context) {
	class := lambda.ClassBatch
	if i.gauge.waited > 0 {
		class = lambda.ClassLatency
	}
	box, ok := i.box.(sandbox.Classed)
	if !ok || i.gauge.class == class {
		return
	}
	if err := box.SetClass(ctx, class); err != nil {
		if i.Err() == nil {
			i.deps.Log.Warn("an instance keeps its class", "instance", i.id, "wanted", class, "error", err)
		}
		return
	}
	i.gauge.class = class
}

// classOf is the class that an instance starts in. What is started for an event may serve
// a caller that waits: without a tag it starts in the latency class.
func classOf(t *lambda.Target) lambda.Class {
	if t.Class != 0 {
		return t.Class
	}
	return lambda.ClassLatency
}

// used is what was used between two readings. Threads that a quota holds back count as
// waiting, in part (seen on Linux 6.18): Waiting has what was throttled taken off, and is
// rather too small than too great.
func used(before, now *sandbox.Usage) receipt.Used {
	u := receipt.Used{
		CPUs: runtime.NumCPU(), CPU: receipt.Of(max(now.CPU-before.CPU, 0)),
		Throttled: between(before.Throttled, now.Throttled), Waiting: between(before.Waiting, now.Waiting),
		HostWaiting: between(before.HostWaiting, now.HostWaiting),
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
