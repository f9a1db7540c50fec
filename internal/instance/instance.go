package instance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/neighbour"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/runtimeapi"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
)

// Instance is one execution environment. Make one with Launcher.Start; end it with
// Close. Invoke, Freeze and Thaw need it idle; all else may be called at any time.
type Instance struct {
	id       string
	stream   string // name of its log stream
	target   *lambda.Target
	deps     *Deps
	launch   runtimes.Launch
	mounts   []sandbox.Mount
	box      sandbox.Sandbox
	log      *functionLog
	servers  []*http.Server
	apiAddr  string // of the Runtime API inside; "" with frames
	homeAddr string // of call-home inside; "" = none
	timeline receipt.Launch
	beside   *neighbour.Member
	session  atomic.Pointer[runtimeapi.Session] // what the Runtime API serves

	done    chan struct{}
	ending  sync.Once
	endErr  error         // of ending
	stopped chan struct{} // ending is through

	mu   sync.Mutex // guards what follows
	err  error      // why done is closed
	busy bool
	idle chan struct{} // closed while not busy

	// What follows belongs to whoever made the instance busy.
	life    *life  // nil: the next invocation starts the runtime
	lives   int    // started so far
	pending *fault // answers the first invocation
	fresh   bool   // the next REPORT shows the Init Duration
	frozen  bool
	usage   reading // when the last invocation ended
	class   lambda.Class
}

func newInstance(d *Deps, t *lambda.Target, launch runtimes.Launch) *Instance {
	i := &Instance{
		id: d.Owner + "-" + randomHex(8), stream: streamName(t, time.Now()), target: t, deps: d, launch: launch, class: classOf(t),
		log: &functionLog{}, done: make(chan struct{}), stopped: make(chan struct{}), idle: make(chan struct{}),
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

// Reusable reports whether the instance may take another invocation, now or once it
// is idle.
func (i *Instance) Reusable() bool { return i.Err() == nil }

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
	if err := i.acquire(); err != nil {
		return fmt.Errorf("freezing %s: %w", i.id, err)
	}
	defer i.release()
	f, ok := i.box.(sandbox.Freezer)
	if !ok || i.frozen {
		return nil
	}
	if err := f.Freeze(ctx); err != nil {
		return fmt.Errorf("freezing %s: %w", i.id, err)
	}
	i.frozen = true
	return nil
}

// Thaw lets a frozen instance go on. Idempotent; Invoke thaws by itself.
func (i *Instance) Thaw(ctx context.Context) error {
	if err := i.acquire(); err != nil {
		return fmt.Errorf("thawing %s: %w", i.id, err)
	}
	defer i.release()
	return i.thaw(ctx)
}

func (i *Instance) thaw(ctx context.Context) error {
	f, ok := i.box.(sandbox.Freezer)
	if !ok || !i.frozen {
		return nil
	}
	if err := f.Thaw(ctx); err != nil {
		return fmt.Errorf("thawing %s: %w", i.id, err)
	}
	i.frozen = false
	return nil
}

// Close ends the instance, also in the middle of an invocation, and frees all it had.
// A second call waits for the first and answers the same.
func (i *Instance) Close(ctx context.Context) error { return i.end(ctx, errors.New("closed")) }

// acquire makes the instance busy. ErrBusy if it is, ErrGone wrapped if it ended.
func (i *Instance) acquire() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		return i.err
	}
	if i.busy {
		return ErrBusy
	}
	i.busy, i.idle = true, make(chan struct{})
	return nil
}

func (i *Instance) release() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.busy = false
	close(i.idle)
}

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
	if i.box != nil {
		failed = append(failed, i.box.Close(ctx))
	}
	for _, s := range i.servers {
		failed = append(failed, s.Close())
	}
	failed = append(failed, i.log.Close())
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("closing %s: %w", i.id, err)
	}
	return nil
}
