package pool

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// calmLimit bounds how long an instance that leaves waits for calm, and calmMost how many do:
// they hold memory.
const (
	calmLimit = time.Second
	calmMost  = 64
)

// calm lets instances that leave be closed when none is being started, one after the other: see
// Settings.CalmAfter.
type calm struct {
	after    time.Duration
	starting atomic.Int32
	last     atomic.Int64 // when the last start ended, in Unix nanoseconds
	waiting  atomic.Int32
	turn     chan struct{} // holds one: somebody is next

	mu    sync.Mutex    // guards what follows
	hurry chan struct{} // closed to have all that wait closed now
	over  bool          // nobody waits any more
}

func newCalm(after time.Duration) calm {
	return calm{after: after, turn: make(chan struct{}, 1), hurry: make(chan struct{})}
}

// begin notes a start, which ends by what it returns.
func (c *calm) begin() (end func()) {
	c.starting.Add(1)
	return func() {
		c.last.Store(time.Now().UnixNano())
		c.starting.Add(-1)
	}
}

// Starting says whether an instance is being started: what can wait makes way.
func (p *Pool) Starting() bool { return p.calm.starting.Load() > 0 }

// await returns when an instance is to be closed, at once where its memory is wanted; closed is
// to be called when it is.
func (c *calm) await(ctx context.Context, wanted func() bool) (closed func()) {
	defer c.waiting.Add(-1)
	hurry := c.hurried() // before the look at what is wanted, which comes before rush
	if c.waiting.Add(1) > calmMost || c.after == 0 || wanted() {
		return func() {}
	}
	limit := time.NewTimer(calmLimit)
	defer limit.Stop()
	select {
	case c.turn <- struct{}{}:
		c.settle(ctx, hurry, limit.C)
		return func() { <-c.turn }
	case <-hurry:
	case <-limit.C:
	case <-ctx.Done():
	}
	return func() {}
}

// settle waits until it is calm, or one of the others says that it has been long enough.
func (c *calm) settle(ctx context.Context, hurry <-chan struct{}, limit <-chan time.Time) {
	for wait := c.left(); wait > 0; wait = c.left() {
		select {
		case <-time.After(wait):
		case <-hurry:
			return
		case <-limit:
			return
		case <-ctx.Done():
			return
		}
	}
}

// left is in what time it may be calm; 0 or less = it is.
func (c *calm) left() time.Duration {
	if c.starting.Load() > 0 {
		return c.after
	}
	since := time.Since(time.Unix(0, c.last.Load()))
	return min(c.after-since, c.after) // the clock may have been set back
}

// rush has all that wait closed now: somebody waits for their memory.
func (c *calm) rush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		close(c.hurry)
		c.hurry = make(chan struct{})
	}
}

// end has all closed at once from here on.
func (c *calm) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		close(c.hurry)
	}
	c.over = true
}

func (c *calm) hurried() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hurry
}
