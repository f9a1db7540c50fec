package fake

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// Sandbox is one fake box.
type Sandbox struct {
	ID     string
	driver *Driver
	done   chan struct{}

	mu       sync.Mutex // guards what follows
	err      error      // why done is closed
	workload *sandbox.Workload
	turns    []sandbox.Turn // that were set
	frozen   bool
	usage    sandbox.Usage
	procs    map[*process]struct{}
	streamer *process // most recent command run with Stream
	outer    map[string]*listener
	inner    map[string]*listener
	tmp      map[string]string
	runs     int
}

var (
	_ sandbox.Sandbox   = (*Sandbox)(nil)
	_ sandbox.Freezer   = (*Sandbox)(nil)
	_ sandbox.Classed   = (*Sandbox)(nil)
	_ sandbox.Scheduled = (*Sandbox)(nil)
)

func newSandbox(d *Driver, id string) *Sandbox {
	b := &Sandbox{
		ID: id, driver: d, done: make(chan struct{}),
		procs: map[*process]struct{}{}, tmp: map[string]string{},
		outer: map[string]*listener{}, inner: map[string]*listener{},
	}
	b.usage = sandbox.Usage{Memory: d.script.Memory, MemoryPeak: d.script.Memory}
	b.usage.Waiting.Known = d.script.Waiting > 0
	d.mu.Lock()
	defer d.mu.Unlock()
	d.live[b] = struct{}{}
	d.count.Sandboxes++
	d.count.Created++
	return b
}

// Bind implements sandbox.Sandbox.
func (b *Sandbox) Bind(ctx context.Context, w sandbox.Workload) error {
	if err := b.enter(ctx, Bind); err != nil {
		return fmt.Errorf("binding %s: %w", b.ID, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.workload != nil {
		return sandbox.ErrBound
	}
	b.workload = &w
	b.driver.update(func(c *Count) { c.Bound++ })
	return nil
}

// Workload returns what the box was bound to; nil before.
func (b *Sandbox) Workload() *sandbox.Workload {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.workload
}

// Run implements sandbox.Sandbox.
func (b *Sandbox) Run(ctx context.Context, c sandbox.Command) (sandbox.Process, error) {
	if err := b.enterBound(ctx, Run); err != nil {
		return nil, fmt.Errorf("running %s in %s: %w", c.Path, b.ID, err)
	}
	p := newProcess(b, c)
	if err := b.adopt(p); err != nil {
		return nil, err
	}
	go p.play()
	return p, nil
}

func (b *Sandbox) adopt(p *process) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.goneLocked()
	}
	b.procs[p] = struct{}{}
	if p.cmd.Stream {
		b.runs++
		p.run = b.runs
		b.streamer = p
	}
	b.driver.update(func(c *Count) { c.Processes++; c.Runs++ })
	return nil
}

// Reset implements sandbox.Sandbox.
func (b *Sandbox) Reset(ctx context.Context) error {
	if err := b.enterBound(ctx, Reset); err != nil {
		return fmt.Errorf("resetting %s: %w", b.ID, err)
	}
	b.endAll(sandbox.Exit{Signal: syscall.SIGKILL})
	b.driver.update(func(c *Count) { c.Resets++ })
	return nil
}

// endAll kills every process and waits until each has ended.
func (b *Sandbox) endAll(e sandbox.Exit) {
	b.mu.Lock()
	procs := make([]*process, 0, len(b.procs))
	for p := range b.procs {
		procs = append(procs, p)
	}
	b.streamer = nil
	b.mu.Unlock()
	for _, p := range procs {
		p.kill(e)
		<-p.done
	}
}

// Open implements sandbox.Sandbox.
func (b *Sandbox) Open(ctx context.Context) (net.Conn, error) {
	if err := b.enterBound(ctx, Open); err != nil {
		return nil, fmt.Errorf("opening a stream to %s: %w", b.ID, err)
	}
	b.mu.Lock()
	p := b.streamer
	b.mu.Unlock()
	if p == nil {
		return nil, fmt.Errorf("opening a stream to %s: no command was run with a stream", b.ID)
	}
	return p.open()
}

// Usage implements sandbox.Sandbox.
func (b *Sandbox) Usage(context.Context) (sandbox.Usage, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return sandbox.Usage{}, b.goneLocked()
	}
	return b.usage, nil
}

// SetClass implements sandbox.Classed.
func (b *Sandbox) SetClass(_ context.Context, c lambda.Class) error {
	return b.set(func() { b.workload.Class = c })
}

// SetTurn implements sandbox.Scheduled.
func (b *Sandbox) SetTurn(_ context.Context, t sandbox.Turn) error {
	return b.set(func() { b.turns = append(b.turns, t) })
}

// set changes what only a bound box has.
func (b *Sandbox) set(change func()) error {
	if err := b.gone(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.workload == nil {
		return sandbox.ErrNotBound
	}
	change()
	return nil
}

// Turns are what was set, in order.
func (b *Sandbox) Turns() []sandbox.Turn {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.turns)
}

// Freeze implements sandbox.Freezer. A frozen runtime takes no event: it holds what
// it has read until Thaw.
func (b *Sandbox) Freeze(ctx context.Context) error { return b.setFrozen(ctx, Freeze, true) }

// Thaw implements sandbox.Freezer.
func (b *Sandbox) Thaw(ctx context.Context) error { return b.setFrozen(ctx, Thaw, false) }

func (b *Sandbox) setFrozen(ctx context.Context, op Op, frozen bool) error {
	if err := b.enter(ctx, op); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.goneLocked()
	}
	b.setFrozenLocked(frozen)
	return nil
}

func (b *Sandbox) setFrozenLocked(frozen bool) {
	if b.frozen == frozen {
		return
	}
	b.frozen = frozen
	step := 1
	if !frozen {
		step = -1
	}
	b.driver.update(func(c *Count) { c.Frozen += step })
}

// IsFrozen reports whether the box is frozen.
func (b *Sandbox) IsFrozen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.frozen
}

// Done implements sandbox.Sandbox.
func (b *Sandbox) Done() <-chan struct{} { return b.done }

// Err implements sandbox.Sandbox.
func (b *Sandbox) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// Kill makes the box die by itself, now: a test's own fault.
func (b *Sandbox) Kill(cause error) { b.die(cause) }

// Close implements sandbox.Sandbox.
func (b *Sandbox) Close(ctx context.Context) error {
	b.mu.Lock()
	closed := b.err != nil
	b.mu.Unlock()
	var err error
	if !closed {
		err = b.closeFault(ctx)
	}
	b.end(fmt.Errorf("%s: %w", b.ID, sandbox.ErrClosed))
	return err
}

// closeFault plays Close's faults; the box goes all the same.
func (b *Sandbox) closeFault(ctx context.Context) error {
	for _, f := range b.driver.strike(Close) {
		if err := b.wait(ctx, f.Wait); err != nil {
			return err
		}
		if f.Err != nil {
			return f.Err
		}
	}
	return nil
}

// die ends the box with a cause of its own. Kernel and driver free what it had.
func (b *Sandbox) die(cause error) { b.end(fmt.Errorf("box died: %w", cause)) }

func (b *Sandbox) end(why error) {
	b.mu.Lock()
	if b.err != nil {
		b.mu.Unlock()
		return
	}
	b.err = why
	b.setFrozenLocked(false)
	listeners := b.listenersLocked()
	b.mu.Unlock()
	close(b.done)
	for _, l := range listeners {
		_ = l.Close()
	}
	b.driver.forget(b)
	b.endAllAsync()
}

// endAllAsync kills all processes; one of them may be the caller, so it does not wait.
func (b *Sandbox) endAllAsync() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p := range b.procs {
		p.kill(sandbox.Exit{Signal: syscall.SIGKILL})
	}
	b.streamer = nil
}

func (b *Sandbox) listenersLocked() []*listener {
	var all []*listener
	for _, l := range b.outer {
		all = append(all, l)
	}
	for _, l := range b.inner {
		all = append(all, l)
	}
	return all
}

func (d *Driver) forget(b *Sandbox) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.live, b)
	d.count.Sandboxes--
	d.count.Closed++
}

// enter checks that the box lives and plays the faults of op.
func (b *Sandbox) enter(ctx context.Context, op Op) error {
	if err := b.gone(); err != nil {
		return err
	}
	if err := b.driver.strikeCall(ctx, op, b); err != nil {
		return err
	}
	return b.gone()
}

func (b *Sandbox) enterBound(ctx context.Context, op Op) error {
	if err := b.gone(); err != nil {
		return err
	}
	if b.Workload() == nil {
		return sandbox.ErrNotBound
	}
	return b.enter(ctx, op)
}

// gone is nil while the box lives; after that it wraps ErrClosed and the cause.
func (b *Sandbox) gone() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		return nil
	}
	return b.goneLocked()
}

func (b *Sandbox) goneLocked() error { return fmt.Errorf("%w: %w", sandbox.ErrClosed, b.err) }

// Spend adds to what the box has used, as its handlers do, or a timer of its runtime.
func (b *Sandbox) Spend(cpu, waiting time.Duration, ooms int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.usage.CPU += cpu
	b.usage.Waiting.Value += waiting
	b.usage.OOMKills += ooms
}
