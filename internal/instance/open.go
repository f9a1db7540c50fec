package instance

import (
	"context"
	"fmt"
	"net"
	"time"

	"lambent.dev/lambent/internal/runtimeapi"
	"lambent.dev/lambent/internal/runtimes"
)

// The first invocation of an instance whose runtime was never started starts it, and has its
// event waiting when the function is initialised: on its stream, together with the workload, where
// the runtime speaks frames, else with the session, for its first call for work. The runtime goes
// on with the event at once, without a hand-over in between. What ends the initialisation is told
// as ever: by its Ready, or by that call. The time of the function, START and what is measured of
// it begin there.

// ahead is an event that waits for its runtime to be ready.
type ahead interface {
	// Initialise waits until the runtime is ready or has reported that it will not be. With the
	// cause of a ctx that ends first it never gets the event.
	Initialise(ctx context.Context) error
	// Deliver notes that an initialised runtime has the event.
	Deliver() error
	// Answers says whether it answers within d.
	Answers(d time.Duration) bool
	Answer(ctx context.Context) (runtimeapi.Outcome, error)
}

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

// takesFirst says whether a runtime finds its first event waiting.
func (i *Instance) takesFirst() bool { return !i.target.Shared() && !i.target.SnapStarts() }

// opened accounts an initialisation, and begins the time of the function.
func (c *call) opened(took phases) {
	at := time.Now()
	if l := c.i.life.Load(); l != nil {
		at = l.session.ReadyAt()
	}
	c.marks.spend(&c.receipt, took, at)
	c.began = at
}

// lost ends the instance where the platform failed; another may take the event.
func (c *call) lost(err error) bool {
	if err != nil {
		c.i.giveUp(err)
		c.err = fmt.Errorf("%w: %w", ErrGone, err)
	}
	return err != nil
}

// openWithEvent is open with the event waiting.
func (c *call) openWithEvent() (over bool) {
	i := c.i
	ctx, cancel := context.WithTimeoutCause(context.Background(), i.initLimit(), errInitTimeout)
	defer cancel()
	i.log.initStart(i.target, i.stream)
	var first ahead
	took, failure, err := i.beginBy(ctx, "init", c.wayOf(&first))
	c.opened(took)
	l := i.life.Load()
	if first != nil && l != nil {
		c.start()
	}
	i.log.opened()
	if c.lost(i.initialised(took, failure, err)) {
		return true
	}
	if first == nil || l == nil {
		return c.lost(i.firstBrief(context.Background()))
	}
	c.converse(l, first)
	return true
}

// wayOf is the way by which the runtime gets the event, which is put into first.
func (c *call) wayOf(first *ahead) way {
	by := way{serve: func(l *life, conn net.Conn) { *first = c.handOver(l, conn) }}
	if c.i.launch.Protocol == runtimes.HTTP {
		by.offer = func(s *runtimeapi.Session) { *first = c.offer(s) }
	}
	by.await = func(ctx context.Context, l *life, started time.Time) (phases, *fault, error) {
		if *first != nil {
			if err := (*first).Initialise(ctx); err != nil && ctx.Err() != nil {
				return phases{runtime: time.Since(started)}, nil, err
			}
		}
		return c.i.await(ctx, l, started)
	}
	return by
}

// handOver gives a runtime its first event. nil: its stream cannot be looked into, and it gets
// it when it is ready.
func (c *call) handOver(l *life, conn net.Conn) ahead {
	first, err := l.session.NewFirst(conn, c.firstEvent(), c.sink, c.start)
	if err != nil {
		serveFrames(l, conn)
		return nil
	}
	c.i.log.opening(first.Seen) // first: the function may print as soon as it has the event
	first.Send()
	return first
}

// offer has the first event wait for the runtime's call. What it has printed by then is the
// initialisation's; what comes later finds START before it, whoever writes that first.
func (c *call) offer(s *runtimeapi.Session) ahead {
	first := s.Offer(c.firstEvent(), c.sink, c.i.syncOutput)
	c.i.log.opening(func() {
		if first.Seen() {
			c.start()
		}
	})
	return first
}

// firstEvent is the event with a time that has not begun yet.
func (c *call) firstEvent() runtimeapi.Event {
	event := c.event()
	event.Deadline, event.Timeout = time.Time{}, c.limit()
	return event
}

// syncOutput waits for what the runtime has printed so far, not for long.
func (i *Instance) syncOutput() {
	l := i.life.Load()
	if l == nil {
		return // it is quicker than who started it
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), syncLimit, errTimeout)
	defer cancel()
	_ = l.process.Sync(ctx) // what comes later is logged after START
}

// converse is the rest of the invocation, from the end of the initialisation.
func (c *call) converse(l *life, first ahead) {
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
