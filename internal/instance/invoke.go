package instance

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/runtimeapi"
)

// syncLimit bounds the wait for what the function printed before it answered.
const syncLimit = time.Second

// Invoke runs the function once and passes its answer to the sink; a function's error
// is an answer. On an error the sink was not finished: one that wraps ErrGone, and
// ErrBusy, say that the function did not get the invocation.
//
// The function's timeout bounds it. When ctx ends first, Invoke returns its cause at
// once and leaves the sink alone; the function runs on to its end, as on Lambda, and
// the instance is busy until then. A sink's Write must return when its caller is gone.
//
// The receipt has all phases from the call of Invoke to its return; what went before
// is the caller's to add. What was used counts from just before the event is handed over, or
// from the end of the initialisation that an instance which was only prepared has first; of an
// invocation beside which others ran it is not known.
func (i *Instance) Invoke(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error) {
	if err := context.Cause(ctx); err != nil {
		return receipt.Receipt{}, err
	}
	if err := i.acquire(1); err != nil {
		return receipt.Receipt{}, err
	}
	c := newCall(i, inv, sink)
	if ctx.Done() == nil { // a caller that never leaves needs no goroutine beside it
		c.run()
		return c.receipt, c.err
	}
	go c.run() // ends with the function's timeout
	select {
	case <-c.done:
		return c.receipt, c.err
	case <-ctx.Done():
		return c.leave(context.Cause(ctx))
	}
}

// call is one invocation in an instance, run by a goroutine of its own so that it can
// outlive its caller.
type call struct {
	i     *Instance
	inv   *lambda.Invocation
	sink  *callerSink
	began time.Time
	marks stopwatch
	use   use
	done  chan struct{}

	started sync.Once // START is written

	restored restoreReport

	// Valid once done is closed.
	receipt receipt.Receipt
	err     error
}

func newCall(i *Instance, inv *lambda.Invocation, sink lambda.Sink) *call {
	now := time.Now()
	return &call{
		i: i, inv: inv, sink: &callerSink{sink: sink}, began: now, marks: stopwatch{last: now}, done: make(chan struct{}),
		receipt: receipt.Receipt{RequestID: inv.RequestID, Version: i.target.Version.Version, Tier: i.target.Tier, Emulated: i.emulated, MemorySize: int(i.target.Version.MemorySize), Arrived: inv.Arrived},
	}
}

// leave detaches a caller that does not wait.
func (c *call) leave(cause error) (receipt.Receipt, error) {
	c.sink.detach()
	select {
	case <-c.done:
		return c.receipt, c.err
	default:
		return receipt.Receipt{RequestID: c.inv.RequestID, Version: c.receipt.Version, Tier: c.receipt.Tier, Emulated: c.receipt.Emulated, Arrived: c.inv.Arrived}, cause
	}
}

func (c *call) run() {
	defer close(c.done)
	defer c.i.release(1)
	if c.i.unborn.CompareAndSwap(true, false) && c.open() {
		return
	}
	if c.err = c.awaken(); c.err != nil {
		return
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), c.limit(), errTimeout)
	defer cancel()
	c.beginUse(ctx)
	defer c.endUse(ctx)
	c.start()
	c.conclude(c.execute(ctx))
}

// start writes START, once.
func (c *call) start() {
	c.started.Do(func() { c.i.log.start(c.i.target, c.inv) })
}

// conclude ends the invocation: it is answered, or given back with an error.
func (c *call) conclude(failure *fault, err error) {
	if err != nil {
		c.i.log.abandon()
		c.err = err
		return
	}
	c.finish(failure)
}

// limit is the function's timeout.
func (c *call) limit() time.Duration { return time.Duration(c.i.target.Version.Timeout) * time.Second }

// execute gives the event to the runtime, started afresh if need be, and returns what
// went wrong with the function.
func (c *call) execute(ctx context.Context) (*fault, error) {
	if failure := c.i.pending.Load(); failure != nil && c.i.pending.CompareAndSwap(failure, nil) {
		c.marks.lap(&c.receipt, receipt.Queue, time.Now())
		return failure, nil
	}
	_, failure, delivered, err := c.attempt(ctx)
	if delivered || failure != nil || err != nil {
		return failure, err
	}
	// The runtime ended before it took the event, while nobody looked: a fresh one gets it.
	l, failure, delivered, err := c.attempt(ctx)
	if !delivered && failure == nil && err == nil {
		return c.i.crashAndReset(l)
	}
	return failure, err
}

// attempt hands the event over once, to the life that it returns.
func (c *call) attempt(ctx context.Context) (l *life, failure *fault, delivered bool, err error) {
	l, failure, err = c.ready(ctx)
	if failure != nil || err != nil {
		return l, failure, false, err
	}
	outcome, err := l.session.Invoke(ctx, c.event(), c.sink)
	return c.outcome(l, outcome, err)
}

// outcome says what became of the event that a runtime was given.
func (c *call) outcome(l *life, outcome runtimeapi.Outcome, err error) (_ *life, failure *fault, delivered bool, _ error) {
	c.account(outcome)
	delivered = !outcome.Delivered.IsZero()
	switch {
	case err == nil:
		return l, reportedFault(outcome.Error), true, nil
	case errors.Is(err, errTimeout):
		c.i.overdue(l, delivered)
		return l, timeoutFault(c.limit()), delivered, nil
	case c.i.lostWorker(err):
		return l, c.i.workerFault(), true, nil
	case !delivered && c.i.Err() == nil:
		return l, nil, false, nil
	}
	failure, err = c.i.crashAndReset(l)
	return l, failure, delivered, c.undelivered(delivered, err)
}

// undelivered lets another instance have an event that this one's function never got.
func (c *call) undelivered(delivered bool, err error) error {
	if err == nil || delivered {
		return err
	}
	return fmt.Errorf("%w: %w", ErrGone, err)
}

// ready sees to it that a runtime waits for work: it may have been ended by a timeout,
// or by itself. Of several invocations that find it so one starts it, and the others
// wait.
func (c *call) ready(ctx context.Context) (*life, *fault, error) {
	if l := c.i.life.Load(); l != nil && !l.ended() {
		return l, nil, nil
	}
	if err := c.i.turnover.lock(ctx); err != nil {
		return nil, timeoutFault(c.limit()), nil
	}
	defer c.i.turnover.unlock()
	if l := c.i.life.Load(); l != nil && !l.ended() {
		return l, nil, nil
	}
	failure, err := c.restart(ctx)
	return c.i.life.Load(), failure, err
}

// restart starts the runtime afresh. Preconditions: turnover is held.
func (c *call) restart(ctx context.Context) (*fault, error) {
	c.i.reset()
	if err := c.i.Err(); err != nil {
		return nil, err
	}
	c.marks.lap(&c.receipt, receipt.Queue, time.Now())
	took, failure, err := c.i.begin(ctx, "invoke")
	c.marks.spend(&c.receipt, took, time.Now())
	switch {
	case errors.Is(err, errTimeout):
		return timeoutFault(c.limit()), nil
	case err != nil:
		c.i.giveUp(err)
		return nil, fmt.Errorf("%w: %w", ErrGone, err)
	case failure == nil && c.i.target.SnapStarts():
		return nil, c.restoreAgain()
	}
	return failure, nil
}

// restoreAgain is the restore of a runtime that was started inside an invocation.
func (c *call) restoreAgain() error {
	err := c.restore(c.i.life.Load(), time.Now())
	c.marks.lap(&c.receipt, receipt.Init, time.Now())
	return err
}

// crashAndReset says why the runtime ended and clears up after it.
func (i *Instance) crashAndReset(l *life) (*fault, error) {
	failure, err := i.crash(l)
	i.replaceLife(l)
	return failure, err
}

func reportedFault(e *lambda.FunctionError) *fault {
	if e == nil {
		return nil
	}
	return &fault{reported: e}
}

func (c *call) event() runtimeapi.Event {
	return runtimeapi.Event{
		ID: c.inv.RequestID, Deadline: c.began.Add(c.limit()), ARN: c.inv.InvokedARN(), TraceID: c.inv.TraceID,
		ClientContext: c.inv.ClientContext, TenantID: c.inv.TenantID, Payload: c.inv.Payload,
	}
}

// account puts the times of an outcome on the receipt.
func (c *call) account(o runtimeapi.Outcome) {
	if o.Delivered.IsZero() {
		return
	}
	c.marks.lap(&c.receipt, receipt.Queue, o.Delivered)
	if o.FirstByte.IsZero() {
		o.FirstByte = time.Now()
	}
	c.marks.lap(&c.receipt, receipt.Handler, o.FirstByte)
}

// finish answers the caller, closes the log of the invocation and the receipt.
func (c *call) finish(failure *fault) {
	ended := time.Now()
	if failure == nil {
		c.sink.Finish(nil)
	} else {
		answer := failure.answer(c.inv.RequestID)
		c.receipt.Fault = answer.Type
		c.sink.Finish(answer)
	}
	c.close()
	took := min(ended.Sub(c.began), c.limit()) // without the reset that followed a timeout
	c.receipt.TailLog = c.i.log.report(c.i.reportOf(c, failure, took))
	c.marks.lap(&c.receipt, receipt.Response, time.Now())
}

// close waits for what the function has printed so far, and measures. One timer bounds
// both: timers wake Go's poller.
func (c *call) close() {
	ctx, cancel := context.WithTimeoutCause(context.Background(), syncLimit, errTimeout)
	defer cancel()
	if l := c.i.life.Load(); l != nil { // else a reset has waited for it
		_ = l.process.Sync(ctx) // what comes later is logged after END
	}
	c.measure(ctx)
}

// stopwatch divides time into phases without a gap.
type stopwatch struct{ last time.Time }

// lap accounts the time since the last lap to a phase.
func (s *stopwatch) lap(r *receipt.Receipt, p receipt.Phase, now time.Time) {
	r.Add(p, now.Sub(s.last))
	s.last = now
}

// spend accounts a start inside an invocation; what the two parts leave is the
// runtime's: the reset of a failed one.
func (s *stopwatch) spend(r *receipt.Receipt, took phases, ended time.Time) {
	r.Add(receipt.Init, took.init)
	s.last = s.last.Add(took.init)
	s.lap(r, receipt.Runtime, ended)
}
