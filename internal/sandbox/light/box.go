package light

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/stream"
	"lambent.dev/lambent/internal/sandbox/usage"
)

// destroyLimit bounds how long a failed Create waits for its box to go.
const destroyLimit = 10 * time.Second

// binding says how far Bind came.
type binding int

const (
	generic binding = iota
	binds
	isBound
)

// box is one light sandbox. Its life is the init's: watch frees everything when
// that ends, whoever ended it.
type box struct {
	id        string
	template  *template
	firstID   int          // of its id range
	network   *os.File     // nil shares the host's
	link      *egress.Link // of network; nil without one
	group     *cgroup.Group
	init      *child
	control   *control
	attaching answer        // to Bind
	free      func() error  // what reserve took
	done      chan struct{} // closed when everything is freed

	mu        sync.Mutex // protects the fields below
	state     binding
	shown     []sandbox.Mount // of the base: what waits needs them
	env       []string
	last      uint64 // command id
	processes map[uint64]*process
	waiting   *waiting      // nil: no interpreter waits
	stream    stream.Opener // of the most recent command with streams; nil when it ended
	streamed  bool          // there was such a command
	early     stream.Early  // to it, opened while it waited
	listeners map[*listener]struct{}
	frozen    bool
	oomSeen   int64 // kills by the memory limit that were told
	cause     error // why it ended or ends; nil while it lives
}

var (
	_ sandbox.Sandbox   = (*box)(nil)
	_ sandbox.Freezer   = (*box)(nil)
	_ sandbox.Classed   = (*box)(nil)
	_ sandbox.Scheduled = (*box)(nil)
	_ sandbox.Brief     = (*box)(nil)
)

// alive is nil, or an error that wraps ErrClosed.
func (b *box) alive() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.aliveLocked()
}

func (b *box) aliveLocked() error {
	if b.cause == nil {
		return nil
	}
	return fmt.Errorf("sandbox %s: %w", b.id, sandbox.ErrClosed)
}

// usable is alive for what needs a bound box.
func (b *box) usable() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.aliveLocked(); err != nil {
		return err
	}
	if b.state != isBound {
		return fmt.Errorf("sandbox %s: %w", b.id, sandbox.ErrNotBound)
	}
	return nil
}

// Usage implements sandbox.Sandbox.
func (b *box) Usage(ctx context.Context) (sandbox.Usage, error) {
	if err := errors.Join(b.alive(), context.Cause(ctx)); err != nil {
		return sandbox.Usage{}, err
	}
	u, err := b.group.Usage() // keeps its files open, also of a box that waits: the first reading of a request is soon
	if closed := b.alive(); closed != nil {
		return sandbox.Usage{}, closed
	}
	return usage.Of(u), err
}

// Brief implements sandbox.Brief.
func (b *box) Brief(ctx context.Context) (sandbox.Usage, error) {
	if err := errors.Join(b.usable(), context.Cause(ctx)); err != nil {
		return sandbox.Usage{}, err
	}
	u, err := b.group.Brief()
	if closed := b.alive(); closed != nil {
		return sandbox.Usage{}, closed
	}
	return sandbox.Usage{MemoryPeak: u.MemoryPeak, CPU: u.CPU}, err
}

// SetClass implements sandbox.Classed.
func (b *box) SetClass(ctx context.Context, c lambda.Class) error {
	if err := errors.Join(b.usable(), context.Cause(ctx)); err != nil {
		return err
	}
	if err := b.group.SetBatch(c == lambda.ClassBatch); err != nil {
		return b.explain(ctx, err)
	}
	return nil
}

// SetTurn implements sandbox.Scheduled.
func (b *box) SetTurn(ctx context.Context, t sandbox.Turn) error {
	if err := cmp.Or(b.usable(), context.Cause(ctx)); err != nil {
		return err
	}
	if err := cmp.Or(b.group.SetAhead(t.Ahead), b.group.SetSlice(t.Slice)); err != nil {
		return b.explain(ctx, err)
	}
	return nil
}

// Freeze implements sandbox.Freezer.
func (b *box) Freeze(ctx context.Context) error { return b.setFrozen(ctx, true, b.group.Freeze) }

// Thaw implements sandbox.Freezer.
func (b *box) Thaw(ctx context.Context) error { return b.setFrozen(ctx, false, b.group.Thaw) }

func (b *box) setFrozen(ctx context.Context, frozen bool, change func() error) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.aliveLocked(); err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	b.frozen = frozen
	return nil
}

// Reset implements sandbox.Sandbox. A frozen box is thawed: what is frozen cannot end.
func (b *box) Reset(ctx context.Context) error {
	if err := cmp.Or(b.usable(), context.Cause(ctx)); err != nil {
		return err
	}
	if err := b.Thaw(ctx); err != nil {
		return err
	}
	ended := b.markKilled()
	if err := b.control.call(ctx, &initproto.Request{Reset: &initproto.Reset{}}, nil); err != nil {
		return b.explain(ctx, fmt.Errorf("resetting: %w", err))
	}
	for _, p := range ended {
		if err := p.await(ctx); err != nil {
			return err
		}
	}
	b.mu.Lock()
	b.early.Drop()
	b.mu.Unlock()
	b.forgetOOM()
	return nil
}

// markKilled notes that what runs now ends by our hand, and returns it.
func (b *box) markKilled() []*process {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]*process, 0, len(b.processes))
	for _, p := range b.processes {
		p.killed.Store(true)
		all = append(all, p)
	}
	return all
}

// named puts the box's name before an error.
func (b *box) named(err error) error { return fmt.Errorf("sandbox %s: %w", b.id, err) }

// explain gives an error of a call its reason: the box ended meanwhile, or ctx did.
func (b *box) explain(ctx context.Context, err error) error {
	if closed := b.alive(); closed != nil {
		return closed
	}
	if ctx.Err() != nil {
		return b.named(context.Cause(ctx))
	}
	return b.named(err)
}

// Done implements sandbox.Sandbox.
func (b *box) Done() <-chan struct{} { return b.done }

// Err implements sandbox.Sandbox.
func (b *box) Err() error {
	select {
	case <-b.done:
	default:
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cause
}

// Close implements sandbox.Sandbox.
func (b *box) Close(ctx context.Context) error {
	b.kill(fmt.Errorf("sandbox %s: %w", b.id, sandbox.ErrClosed))
	select {
	case <-b.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing sandbox %s: %w", b.id, context.Cause(ctx))
	}
}

// kill ends the init, and with it everything in its pid namespace. The first cause
// stays.
func (b *box) kill(cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cause == nil {
		b.cause = cause
	}
	b.init.kill()
	if b.frozen || !b.template.driver.has(PIDNamespace) {
		// SIGKILL reaches a frozen process of cgroup v1 only when it is thawed.
		if err := b.group.Kill(); err != nil {
			b.template.driver.options.Log.Warn("killing a frozen sandbox", "sandbox", b.id, "error", err)
		}
	}
}

// destroy ends a box that nobody was given, and returns cause.
func (b *box) destroy(cause error) error {
	b.kill(cause)
	limit, stop := cleanup.Context(context.Background(), destroyLimit)
	defer stop()
	select {
	case <-b.done:
		return cause
	case <-limit.Done():
		return errors.Join(cause, context.Cause(limit))
	}
}

// watch waits for the init's end and frees the box. It is the only one that does.
func (b *box) watch() {
	err := b.init.wait()
	<-b.control.ended // what the init said last is heard
	_ = b.control.conn.Close()
	b.note(diedBy(err))
	b.endAll()
	_ = b.init.close()
	if err := b.free(); err != nil {
		b.template.driver.options.Log.Warn("freeing a sandbox", "sandbox", b.id, "error", err)
	}
	close(b.done)
}

var errInitEnded = errors.New("its init ended by itself")

func diedBy(err error) error {
	if err != nil {
		return fmt.Errorf("waiting for its init: %w", err)
	}
	return errInitEnded
}

// note keeps why the box died, unless somebody killed it for a reason.
func (b *box) note(cause error) {
	oom := b.takeOOM()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cause != nil {
		return
	}
	if oom {
		cause = fmt.Errorf("%w: out of memory", cause)
	}
	b.cause = fmt.Errorf("sandbox %s died: %w", b.id, cause)
}

// endAll ends what hangs on the box. The kernel has killed the processes with the
// init; here they are told so.
func (b *box) endAll() {
	b.mu.Lock()
	listeners := b.listeners
	b.listeners = nil
	left := b.processes
	b.processes = nil
	waiting := b.waiting
	b.waiting = nil
	b.early.Drop()
	b.mu.Unlock()
	if waiting != nil {
		waiting.close()
	}
	for l := range listeners {
		_ = l.Listener.Close()
	}
	for _, p := range left {
		go p.finish(killedExit)
	}
}

// takeOOM says whether the memory limit killed something that was not told yet.
func (b *box) takeOOM() bool {
	u, err := b.group.Usage()
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil || u.OOMKills <= b.oomSeen {
		return false
	}
	b.oomSeen++
	return true
}

// forgetOOM forgets kills of processes that nobody asks about any more.
func (b *box) forgetOOM() {
	u, err := b.group.Usage()
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.oomSeen = u.OOMKills
	}
}
