package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/queue"
	"lambent.dev/lambent/internal/receipt"
)

// Group is the events' in the queue.
const Group = "event"

// poll is how late the dispatcher may see what another process put or returned; of what
// happens in this one it hears.
const poll = time.Second

// Queue keeps events: a queue.Queue.
type Queue interface {
	Put(ctx context.Context, item queue.Item) error
	Take(ctx context.Context, r queue.Request) (queue.Taken, error)
	Done(ctx context.Context, l queue.Lease) error
	Return(ctx context.Context, l queue.Lease, due time.Time) error
}

// Invoker takes invocations: a router.Router. ctx bounds the wait for an instance; a
// function that has begun runs to its end.
type Invoker interface {
	Invoke(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error)
}

// Settings are the policy of a dispatcher.
type Settings struct {
	Concurrency int           // events at once; at least 1
	PerFunction int           // of one function; at least 1
	MaxAge      time.Duration // an older event is dropped; above 0
	Log         *slog.Logger  // nil = nowhere
}

// DefaultMaxAge is AWS's MaximumEventAgeInSeconds of a function without settings.
const DefaultMaxAge = 6 * time.Hour

// DefaultSettings are for a bound of so many events at once, of which one function gets at
// most half.
func DefaultSettings(concurrency int) Settings {
	return Settings{Concurrency: concurrency, PerFunction: max(1, concurrency/2), MaxAge: DefaultMaxAge}
}

// Validate says what is wrong with the settings.
func (s Settings) Validate() error {
	if s.Concurrency < 1 || s.PerFunction < 1 || s.MaxAge <= 0 {
		return fmt.Errorf("settings of events: concurrency %d, per function %d, age %v: all must be above 0", s.Concurrency, s.PerFunction, s.MaxAge)
	}
	return nil
}

// Dispatcher takes events from callers and from the queue.
type Dispatcher struct {
	settings Settings
	queue    Queue
	invoker  Invoker
	log      *slog.Logger

	wake    chan struct{} // capacity 1: look at the queue again
	running sync.WaitGroup
	counts  counts
	shares  shares
}

type counts struct{ accepted, ended, returned, dropped atomic.Int64 }

// Counts are the events of this dispatcher's life.
type Counts struct {
	Accepted int64 // written to the queue
	Ended    int64 // the function answered
	Returned int64 // to be tried again
	Dropped  int64 // too old, or the function is gone
	Running  int   // now
}

// New returns a dispatcher that accepts at once and runs events while Run runs.
func New(q Queue, invoker Invoker, settings Settings) (*Dispatcher, error) {
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	if settings.Log == nil {
		settings.Log = slog.New(slog.DiscardHandler)
	}
	return &Dispatcher{
		settings: settings, queue: q, invoker: invoker, log: settings.Log, wake: make(chan struct{}, 1),
		shares: shares{most: settings.PerFunction, functions: map[string]*share{}},
	}, nil
}

// Counts returns the counts so far.
func (d *Dispatcher) Counts() Counts {
	return Counts{
		Accepted: d.counts.accepted.Load(), Ended: d.counts.ended.Load(), Returned: d.counts.returned.Load(),
		Dropped: d.counts.dropped.Load(), Running: d.shares.total(),
	}
}

// Accept writes an event to the queue. When it has returned nil the event is durable and
// will run. Errors are Lambda's for a function that is unknown or not ready, else of the
// queue.
func (d *Dispatcher) Accept(ctx context.Context, inv *lambda.Invocation) error {
	dry := *inv
	dry.Type = lambda.DryRun
	if _, err := d.invoker.Invoke(ctx, &dry, nil); err != nil { // touches no sink
		return err
	}
	now := time.Now()
	body, err := encode(inv, now)
	if err != nil {
		return err
	}
	if err := d.queue.Put(ctx, queue.Item{Group: Group, Function: inv.Function.ARN(), Due: now, Body: body}); err != nil {
		return fmt.Errorf("accepting an event: %w", err)
	}
	d.counts.accepted.Add(1)
	d.look()
	return nil
}

// look makes Run look at the queue.
func (d *Dispatcher) look() {
	select {
	case d.wake <- struct{}{}:
	default: // it will already
	}
}

// ErrMoved is the cause of a Run's end where another process goes on with the queue: what
// runs here is not cut short.
var ErrMoved = errors.New("another process goes on with the queue")

// Run takes events from the queue and runs them until ctx ends. Events that run then go on:
// Close waits for them. Those that wait for an instance are returned.
func (d *Dispatcher) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		next, err := d.feed(ctx)
		if err != nil && !errors.Is(err, context.Cause(ctx)) {
			d.log.Error("taking events from the queue", "error", err)
		}
		d.await(ctx, next)
	}
	return nil
}

// Close waits until the events that Run left running have ended and the queue knows. It
// takes as long as they do: whoever bounds it ends them (pool.Close).
func (d *Dispatcher) Close() error {
	d.running.Wait()
	return nil
}

// feed starts as many events as there is room for, and returns when the next is due.
func (d *Dispatcher) feed(ctx context.Context) (next time.Time, err error) {
	free := d.settings.Concurrency - d.shares.total()
	if free <= 0 {
		return time.Time{}, nil
	}
	taken, err := d.queue.Take(ctx, queue.Request{Group: Group, Now: time.Now(), Limit: free, Room: d.shares.room})
	for _, l := range taken.Leases {
		d.shares.begin(l.Function)
		d.running.Go(func() { d.run(ctx, l) })
	}
	return taken.Next, err
}

// await waits for a reason to look at the queue.
func (d *Dispatcher) await(ctx context.Context, next time.Time) {
	wait := poll
	if !next.IsZero() {
		wait = min(poll, max(0, time.Until(next)))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-d.wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}
