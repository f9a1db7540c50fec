package event

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/queue"
)

// Delays before another try. Source: AWS Lambda Developer Guide, "How Lambda handles
// errors and retries with asynchronous invocation": throttles and system errors "for up to
// 6 hours by default", "from 1 second after the first attempt to a maximum of 5 minutes".
const (
	minDelay = time.Second
	maxDelay = 5 * time.Minute
)

// delay is the pause after so many tries.
func delay(attempts int) time.Duration {
	for d, n := minDelay, 1; d < maxDelay; d, n = 2*d, n+1 {
		if n >= attempts {
			return d
		}
	}
	return maxDelay
}

// settleLimit bounds what the queue may take to note how an event ended.
const settleLimit = time.Minute

// verdict is what becomes of an event after a try.
type verdict struct {
	again   bool          // it goes back to the queue
	after   time.Duration // not before
	dropped error         // why it is given up; nil if its function answered
}

// run tries an event and tells the queue.
func (d *Dispatcher) run(ctx context.Context, l queue.Lease) {
	v := d.try(ctx, l)
	if v.after > minDelay && d.shares.others(l.Function) {
		v.after = minDelay // others get through: it only came too early
	}
	d.settle(ctx, l, v)
	d.shares.end(l.Function, v.again)
	d.look()
}

func (d *Dispatcher) try(ctx context.Context, l queue.Lease) verdict {
	inv, accepted, err := decode(l.Body)
	if err != nil {
		return verdict{dropped: err}
	}
	if age := time.Since(accepted); age > d.settings.MaxAge {
		return verdict{dropped: fmt.Errorf("it is %v old, more than %v", age.Round(time.Second), d.settings.MaxAge)}
	}
	sink := &discard{}
	_, err = d.invoker.Invoke(ctx, inv, sink)
	if err == nil && sink.fault != nil && ctx.Err() != nil && !errors.Is(context.Cause(ctx), ErrMoved) {
		// The server is stopping, which ends functions: this may not have been its own error.
		return verdict{again: true}
	}
	return judge(ctx, err, l.Attempts)
}

// judge says what an error of the line means for an event.
func judge(ctx context.Context, err error, attempts int) verdict {
	var refused *lambda.Error
	switch {
	case err == nil:
		return verdict{}
	case ctx.Err() != nil:
		return verdict{again: true}
	case errors.As(err, &refused) && !passes(refused.Kind):
		return verdict{dropped: err} // the function is gone, or will never take it
	}
	return verdict{again: true, after: delay(attempts)}
}

// passes says whether an error may be another one later: a throttle, a function that is
// not ready, a fault of Lambent.
func passes(kind *lambda.ErrorKind) bool {
	return kind == lambda.ErrTooManyRequests || kind == lambda.ErrResourceConflict || kind.Status >= 500
}

// settle tells the queue, until it knows or the server stops: then the event comes back at
// the next start.
func (d *Dispatcher) settle(ctx context.Context, l queue.Lease, v verdict) {
	d.count(l, v)
	for n := 1; ; n++ {
		err := d.tell(ctx, l, v)
		if err == nil || errors.Is(err, queue.ErrLost) {
			return
		}
		d.log.Error("noting what became of an event", "function", l.Function, "error", err)
		if !sleep(ctx, delay(n)) {
			return
		}
	}
}

func (d *Dispatcher) tell(ctx context.Context, l queue.Lease, v verdict) error {
	ctx, stop := cleanup.Context(ctx, settleLimit)
	defer stop()
	if v.again {
		return d.queue.Return(ctx, l, time.Now().Add(v.after))
	}
	return d.queue.Done(ctx, l)
}

func (d *Dispatcher) count(l queue.Lease, v verdict) {
	switch {
	case v.again:
		d.counts.returned.Add(1)
	case v.dropped != nil:
		d.counts.dropped.Add(1)
		d.log.Warn("dropping an event", "function", l.Function, "requestId", requestID(l.Body), "attempts", l.Attempts, "why", v.dropped)
	default:
		d.counts.ended.Add(1)
	}
}

// sleep says whether it slept to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// discard is a Sink that keeps nothing but the function's error. It refuses what a caller
// would be refused, so that a function behaves the same in both ways.
type discard struct {
	size  int
	fault *lambda.FunctionError
}

// Head implements lambda.Sink.
func (s *discard) Head(lambda.Head) error { return nil }

// Write implements lambda.Sink.
func (s *discard) Write(p []byte) (int, error) {
	if s.size+len(p) > lambda.MaxResponse {
		return 0, lambda.ErrResponseTooLarge
	}
	s.size += len(p)
	return len(p), nil
}

// Finish implements lambda.Sink.
func (s *discard) Finish(fn *lambda.FunctionError) { s.fault = fn }
