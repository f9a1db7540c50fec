package instance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/http1"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/neighbour"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/runtimeapi"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/stem"
)

// Instance is one execution environment. Make one with Launcher.Start; end it with
// Close. Invoke needs a free slot (target.Slots has their number, one for most functions),
// Freeze and Thaw that nothing runs; all else may be called at any time.
type Instance struct {
	id          string
	stream      string // name of its log stream
	target      *lambda.Target
	deps        *Deps
	launch      runtimes.Launch
	mounts      []sandbox.Mount
	box         sandbox.Sandbox
	log         *functionLog
	servers     []*http1.Server
	relays      []*relay
	apiAddr     string // of the Runtime API inside; "" with frames
	homeAddr    string // of call-home inside; "" = none
	timeline    receipt.Launch
	emulated    bool // since it is bound
	beside      *neighbour.Member
	aheadBudget *rate.Limiter                      // of all instances
	session     atomic.Pointer[runtimeapi.Session] // what the Runtime API serves

	done    chan struct{}
	ending  sync.Once
	endErr  error         // of ending
	stopped chan struct{} // ending is through

	mu      sync.Mutex    // guards what follows
	err     error         // why done is closed
	running int           // invocations; all slots while it is frozen or thawed
	tainted bool          // one of them timed out and others run: empties itself
	idle    chan struct{} // closed while nothing runs

	turnover latch                 // of who starts or ends a life
	life     atomic.Pointer[life]  // nil: the next invocation starts the runtime
	lives    int                   // started so far; under turnover
	pending  atomic.Pointer[fault] // answers the first invocation
	fresh    atomic.Bool           // the next REPORT shows the Init Duration
	initTook time.Duration         // of the first initialisation; written before fresh
	unborn   atomic.Bool           // the runtime was never started: Initialise does, or the first Invoke
	frozen   atomic.Bool

	gauge gauge
}

func newInstance(l *Launcher, t *lambda.Target, launch runtimes.Launch, box *stem.Box) *Instance {
	i := &Instance{
		id: box.ID, stream: streamName(t, time.Now()), target: t, deps: &l.deps, aheadBudget: l.aheadBudget, launch: launch, box: box.Sandbox,
		timeline: receipt.Launch{Kind: box.Kind, Note: launch.Fresh},
		log:      &functionLog{}, done: make(chan struct{}), stopped: make(chan struct{}), idle: make(chan struct{}),
		turnover: newLatch(), gauge: gauge{class: classOf(t)},
	}
	close(i.idle)
	return i
}

// ID names the instance on this host.
func (i *Instance) ID() string { return i.id }

// Launch is the timeline of the start.
func (i *Instance) Launch() receipt.Launch { return i.timeline }

// Done is closed when the instance can serve no more; Err says why.
func (i *Instance) Done() <-chan struct{} { return i.done }

// Err is nil while the instance lives; after that it wraps ErrGone.
func (i *Instance) Err() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.err
}

// Reusable reports whether the instance may take another invocation, now or once a slot
// is free. One of several slots in which an invocation timed out is not, until it is
// idle.
func (i *Instance) Reusable() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.err == nil && !i.tainted
}

// Idle returns a channel that is closed once nothing runs in the instance: an
// invocation whose caller left runs on to its end and keeps it busy.
func (i *Instance) Idle() <-chan struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.idle
}

// Freeze stops the function's processes where the sandbox can. Idempotent. ErrBusy
// while an invocation runs.
func (i *Instance) Freeze(ctx context.Context) error {
	if err := i.acquire(i.target.Slots()); err != nil {
		return fmt.Errorf("freezing %s: %w", i.id, err)
	}
	defer i.release(i.target.Slots())
	f, ok := i.box.(sandbox.Freezer)
	if !ok || i.frozen.Load() {
		return nil
	}
	if err := f.Freeze(ctx); err != nil {
		return fmt.Errorf("freezing %s: %w", i.id, err)
	}
	i.frozen.Store(true)
	return nil
}

// Thaw lets a frozen instance go on. Idempotent; Invoke thaws by itself.
func (i *Instance) Thaw(ctx context.Context) error {
	if err := i.acquire(i.target.Slots()); err != nil {
		return fmt.Errorf("thawing %s: %w", i.id, err)
	}
	defer i.release(i.target.Slots())
	return i.thaw(ctx)
}

func (i *Instance) thaw(ctx context.Context) error {
	if !i.frozen.Load() {
		return nil
	}
	f, ok := i.box.(sandbox.Freezer)
	if !ok {
		return nil
	}
	if err := f.Thaw(ctx); err != nil {
		return fmt.Errorf("thawing %s: %w", i.id, err)
	}
	i.frozen.Store(false)
	return nil
}

// Close ends the instance, also in the middle of an invocation, and frees all it had.
// A second call waits for the first and answers the same.
func (i *Instance) Close(ctx context.Context) error { return i.end(ctx, errors.New("closed")) }

// watch ends the instance when its box dies.
func (i *Instance) watch() {
	select {
	case <-i.box.Done():
		_ = i.end(context.Background(), i.box.Err()) // shown by Err and in the log
	case <-i.done:
	}
}

// end ends the instance once.
func (i *Instance) end(ctx context.Context, cause error) error {
	i.ending.Do(func() {
		defer close(i.stopped)
		i.markGone(cause)
		ctx, cancel := cleanup.Context(ctx, closeLimit)
		defer cancel()
		i.endErr = i.free(ctx)
	})
	<-i.stopped
	return i.endErr
}

func (i *Instance) markGone(cause error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.err = fmt.Errorf("%w: %s: %w", ErrGone, i.id, cause)
	close(i.done)
}

// free gives back all that the instance has.
func (i *Instance) free(ctx context.Context) error {
	i.beside.Leave()
	if s := i.session.Load(); s != nil {
		s.Close(i.Err())
	}
	var failed []error
	failed = append(failed, i.box.Close(ctx))
	for _, s := range i.servers {
		if err := s.Close(); !errors.Is(err, net.ErrClosed) { // the box has closed its listener
			failed = append(failed, err)
		}
	}
	for _, r := range i.relays {
		failed = append(failed, r.close())
	}
	failed = append(failed, i.log.Close())
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("closing %s: %w", i.id, err)
	}
	return nil
}
