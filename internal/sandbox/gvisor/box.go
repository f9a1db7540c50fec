package gvisor

import (
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
	"lambent.dev/lambent/internal/sandbox/gvisor/agentproto"
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

// box is one gvisor sandbox. Its life is its runsc's: watch frees everything when that ends,
// whoever ended it.
type box struct {
	id       string
	template *template
	folder   layout
	group    *cgroup.Group
	link     *egress.Link // nil: the stage's network, in which nothing is
	runsc    *os.Process
	said     *head // by runsc and the agent
	control  *control
	door     *door
	free     func() error  // what was taken of the host
	done     chan struct{} // closed when everything is freed

	mu        sync.Mutex // protects the fields below
	state     binding
	env       []string
	last      uint64 // command id
	processes map[uint64]*process
	speaker   *process // the most recent command with streams; nil when it ended
	streamed  bool     // there was such a command
	listeners map[*listener]struct{}
	oomSeen   int64 // kills by the memory limit that were told
	oom       bool  // the memory limit ended the box
	cause     error // why it ended or ends; nil while it lives
}

var (
	_ sandbox.Sandbox = (*box)(nil)
	_ sandbox.Freezer = (*box)(nil)
	_ sandbox.Classed = (*box)(nil)
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

// Usage implements sandbox.Sandbox. What gVisor itself uses is in it.
func (b *box) Usage(ctx context.Context) (sandbox.Usage, error) {
	if err := errors.Join(b.alive(), context.Cause(ctx)); err != nil {
		return sandbox.Usage{}, err
	}
	u, err := b.group.Usage()
	if errors.Is(b.usable(), sandbox.ErrNotBound) {
		b.group.Rest() // boxes that wait are many, and read once
	}
	if closed := b.alive(); closed != nil {
		return sandbox.Usage{}, closed
	}
	return usageOf(u), err
}

func usageOf(u cgroup.Usage) sandbox.Usage {
	return sandbox.Usage{
		Memory: u.Memory, MemoryPeak: u.MemoryPeak, CPU: u.CPU, OOMKills: u.OOMKills,
		Throttled: sandbox.Counter[time.Duration](u.Throttled), Waiting: sandbox.Counter[time.Duration](u.Waiting),
		HostWaiting: sandbox.Counter[time.Duration](u.HostWaiting),
		MemoryStall: sandbox.Counter[time.Duration](u.MemoryStall), IOStall: sandbox.Counter[time.Duration](u.IOStall),
		Faults: sandbox.Counter[int64](u.Faults), MajorFaults: sandbox.Counter[int64](u.MajorFaults),
		ReadBytes: sandbox.Counter[int64](u.ReadBytes), WrittenBytes: sandbox.Counter[int64](u.WrittenBytes),
	}
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

// Freeze implements sandbox.Freezer. It stops the function's processes inside: gVisor's own do
// not stand being stopped by the host.
func (b *box) Freeze(ctx context.Context) error { return b.setFrozen(ctx, true) }

// Thaw implements sandbox.Freezer.
func (b *box) Thaw(ctx context.Context) error { return b.setFrozen(ctx, false) }

func (b *box) setFrozen(ctx context.Context, frozen bool) error {
	if err := errors.Join(b.alive(), context.Cause(ctx)); err != nil {
		return err
	}
	request := &agentproto.Request{Freeze: &agentproto.Freeze{Frozen: frozen}}
	if _, err := b.control.call(ctx, request); err != nil {
		return b.explain(ctx, err)
	}
	return nil
}

// Reset implements sandbox.Sandbox. What is frozen ends, too.
func (b *box) Reset(ctx context.Context) error {
	if err := b.usable(); err != nil {
		return err
	}
	ended := b.markKilled()
	if _, err := b.control.call(ctx, &agentproto.Request{Reset: &agentproto.Reset{}}); err != nil {
		return b.explain(ctx, fmt.Errorf("resetting: %w", err))
	}
	for _, p := range ended {
		if err := p.await(ctx); err != nil {
			return err
		}
	}
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

// kill ends runsc; watch does the rest. The first cause stays.
func (b *box) kill(cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cause == nil {
		b.cause = cause
	}
	b.killGroup()
}

// killGroup ends all processes of gVisor.
func (b *box) killGroup() {
	if err := b.group.Kill(); err != nil {
		b.template.driver.options.Log.Warn("killing a sandbox", "sandbox", b.id, "error", err)
	}
	_ = b.runsc.Kill() // an error says that it ended already
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

// watch waits for the end of runsc and frees the box. It is the only one that does.
func (b *box) watch() {
	state, err := b.runsc.Wait()
	b.killGroup()
	<-b.control.ended // what the agent said last is heard: nobody holds its end any more
	_ = b.control.conn.Close()
	b.note(b.diedBy(state, err))
	b.endAll()
	b.door.close()
	if err := b.free(); err != nil {
		b.template.driver.options.Log.Warn("freeing a sandbox", "sandbox", b.id, "error", err)
	}
	close(b.done)
}

func (b *box) diedBy(state *os.ProcessState, err error) error {
	if err != nil {
		return fmt.Errorf("waiting for runsc: %w", err)
	}
	if said := b.said.String(); said != "" {
		return fmt.Errorf("runsc ended by itself: %s: %s", state, said)
	}
	return fmt.Errorf("runsc ended by itself: %s", state)
}

// note keeps why the box died, unless somebody killed it for a reason.
func (b *box) note(cause error) {
	oom := b.takeOOM()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.oom = oom
	if b.cause != nil {
		return
	}
	if oom {
		cause = fmt.Errorf("%w: out of memory", cause)
	}
	b.cause = fmt.Errorf("sandbox %s died: %w", b.id, cause)
}

// endAll tells what hangs on the box that it ended.
func (b *box) endAll() {
	b.mu.Lock()
	listeners := b.listeners
	b.listeners = nil
	left := b.processes
	b.processes = nil
	b.mu.Unlock()
	for l := range listeners {
		l.end()
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
	b.oomSeen = u.OOMKills
	return true
}

// forgetOOM forgets kills of processes that nobody asks about any more.
func (b *box) forgetOOM() { b.takeOOM() }
