package instance

import (
	"context"
	"fmt"
	"net"
	"time"

	"lambent.dev/lambent/internal/runtimeapi"
	"lambent.dev/lambent/internal/runtimes"
)

// The first invocation of an instance whose runtime was never started starts it, and hands its
// event over together with the workload where the runtime speaks frames: it initialises the
// function and goes on with the event at once, without a hand-over in between. What ends the
// initialisation is told by its Ready as ever. The time of the function, START and what is
// measured of it begin there.

// open starts the runtime for the invocation. Over, the invocation has been answered, or has
// failed; else it is to go on as with any instance: the runtime waits for it, or its
// initialisation failed or took too long.
func (c *call) open() (over bool) {
	if c.i.takesFirst() {
		return c.openWithEvent()
	}
	took, err := c.i.initialise(context.Background()) // which bounds it
	c.opened(took)
	if err == nil {
		err = c.i.firstBrief(context.Background())
	}
	return c.lost(err)
}

// takesFirst says whether a runtime finds its first event on its stream.
func (i *Instance) takesFirst() bool {
	return i.launch.Protocol == runtimes.Framed && !i.target.Shared() && !i.target.SnapStarts()
}

// opened accounts an initialisation, and begins the time of the function.
func (c *call) opened(took phases) {
	c.marks.spend(&c.receipt, took)
	c.began = c.marks.last
}

// lost ends the instance where the platform failed; another may take the event.
func (c *call) lost(err error) bool {
	if err != nil {
		c.i.giveUp(err)
		c.err = fmt.Errorf("%w: %w", ErrGone, err)
	}
	return err != nil
}

// openWithEvent is open with the event handed over together with the workload.
func (c *call) openWithEvent() (over bool) {
	i := c.i
	ctx, cancel := context.WithTimeoutCause(context.Background(), i.initLimit(), errInitTimeout)
	defer cancel()
	i.log.initStart(i.target, i.stream)
	var first *runtimeapi.First
	serve := func(l *life, conn net.Conn) { first = c.handOver(l, conn) }
	await := func(ctx context.Context, l *life, started time.Time) (phases, *fault, error) {
		if first != nil {
			if err := first.Initialise(ctx); err != nil && ctx.Err() != nil {
				return phases{runtime: time.Since(started)}, nil, err
			}
		}
		return i.await(ctx, l, started)
	}
	took, failure, err := i.beginBy(ctx, "init", serve, await)
	c.opened(took)
	i.log.opened()
	if c.lost(i.initialised(took, failure, err)) {
		return true
	}
	l := i.life.Load()
	if first == nil || l == nil {
		return c.lost(i.firstBrief(context.Background()))
	}
	c.converse(l, first)
	return true
}

// handOver gives a runtime its first event. nil: its stream cannot be looked into, and it gets
// it when it is ready.
func (c *call) handOver(l *life, conn net.Conn) *runtimeapi.First {
	event := c.event()
	event.Deadline, event.Timeout = time.Time{}, c.limit()
	first, err := l.session.NewFirst(conn, event, c.sink, c.start)
	if err != nil {
		serveFrames(l, conn)
		return nil
	}
	c.i.log.opening(first.Seen) // first: the function may print as soon as it has the event
	first.Send()
	return first
}

// converse is the rest of the invocation, from the end of the initialisation.
func (c *call) converse(l *life, first *runtimeapi.First) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), c.limit(), errTimeout)
	defer cancel()
	err := first.Deliver()
	_ = c.i.firstBrief(ctx) // a box that has died is found so
	c.beginUse(ctx)
	defer c.endUse(ctx)
	var outcome runtimeapi.Outcome
	if err == nil {
		if !first.Answers(staleAfter) {
			c.measureFrom(ctx)
		}
		outcome, err = first.Answer(ctx)
	}
	l, failure, delivered, err := c.outcome(l, outcome, err)
	if !delivered && failure == nil && err == nil {
		failure, err = c.i.crashAndReset(l)
	}
	c.conclude(failure, err)
}

// measureFrom has what the box uses counted from now on by all counters: an invocation that is
// answered at once has been spared their reading.
func (c *call) measureFrom(ctx context.Context) {
	now, ok := c.i.read(ctx)
	if !ok {
		return
	}
	g := &c.i.gauge
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keep(now)
	g.first, c.use.before = now.CPU, now
}
