package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// binding says how far Bind came.
type binding int

const (
	generic binding = iota
	binds
	isBound
)

// Pipes make where commands write.
type Pipes interface {
	// Open makes a place that the agent finds under the name that it returns, and carries what
	// is written there to w; nil discards. unique is a name that no other place of the box has.
	Open(unique string, w io.Writer) (name string, o Output, err error)
}

// Output is where one command writes.
type Output interface {
	// Began is called when the command has its end.
	Began()
	// Sync delivers what was written before the call.
	Sync(ctx context.Context) error
	// Finish delivers the rest, once the command has ended, and closes.
	Finish()
}

// Box is what an agent's box does in all drivers. A driver embeds it, sets the exported fields
// before use, and adds Bind and Usage. It closes Freed when the box has ended, by Kill or by
// itself, and everything is given back.
type Box struct {
	ID      string
	Kill    func() // ends all processes of the box; called as often as one likes
	Freed   chan struct{}
	Control *Control
	Tickets *Tickets
	Pipes   Pipes
	// RanOut says whether the memory limit killed a process since it was asked last.
	RanOut func() bool

	mu        sync.Mutex // protects the fields below
	state     binding
	env       []string
	last      uint64 // command id
	processes map[uint64]*Process
	speaker   *Process     // the most recent command with streams; nil when it ended
	streamed  bool         // there was such a command
	early     stream.Early // to it, opened while it waited
	waiting   *waiting     // nil: no interpreter waits
	listeners map[*listener]struct{}
	oom       bool  // the memory limit ended the box
	cause     error // why it ended or ends; nil while it lives
}

// Alive is nil, or an error that wraps ErrClosed.
func (b *Box) Alive() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.aliveLocked()
}

func (b *Box) aliveLocked() error {
	if b.cause == nil {
		return nil
	}
	return fmt.Errorf("sandbox %s: %w", b.ID, sandbox.ErrClosed)
}

// Usable is Alive for what needs a bound box.
func (b *Box) Usable() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.aliveLocked(); err != nil {
		return err
	}
	if b.state != isBound {
		return fmt.Errorf("sandbox %s: %w", b.ID, sandbox.ErrNotBound)
	}
	return nil
}

// BeginBind lets one caller bind.
func (b *Box) BeginBind() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.aliveLocked(); err != nil {
		return err
	}
	if b.state != generic {
		return fmt.Errorf("sandbox %s: %w", b.ID, sandbox.ErrBound)
	}
	b.state = binds
	return nil
}

// Bound ends what BeginBind began: commands get env.
func (b *Box) Bound(env []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state, b.env = isBound, slices.Clone(env)
}

// Unbound ends what BeginBind began and did nothing.
func (b *Box) Unbound() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = generic
}

// Reset implements sandbox.Sandbox. What is frozen ends, too, if its kernel lets it.
func (b *Box) Reset(ctx context.Context) error {
	if err := cmp.Or(b.Usable(), context.Cause(ctx)); err != nil {
		return err
	}
	ended := b.markKilled()
	if _, err := b.Control.Call(ctx, &agentproto.Request{Reset: &agentproto.Reset{}}); err != nil {
		return b.Explain(ctx, fmt.Errorf("resetting: %w", err))
	}
	for _, p := range ended {
		if err := p.await(ctx); err != nil {
			return err
		}
	}
	b.mu.Lock()
	b.early.Drop()
	b.mu.Unlock()
	b.RanOut() // nobody asks any more how those ended
	return nil
}

// Starve kills all commands for lack of memory: their ends say so.
func (b *Box) Starve(ctx context.Context) error {
	b.mu.Lock()
	for _, p := range b.processes {
		p.starved.Store(true)
	}
	b.mu.Unlock()
	_, err := b.Control.Call(ctx, &agentproto.Request{Reset: &agentproto.Reset{}})
	return err
}

// markKilled notes that what runs now ends by our hand, and returns it.
func (b *Box) markKilled() []*Process {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]*Process, 0, len(b.processes))
	for _, p := range b.processes {
		p.killed.Store(true)
		all = append(all, p)
	}
	return all
}

// Named puts the box's name before an error.
func (b *Box) Named(err error) error { return fmt.Errorf("sandbox %s: %w", b.ID, err) }

// Explain gives an error of a call its reason: the box ended meanwhile, or ctx did.
func (b *Box) Explain(ctx context.Context, err error) error {
	if closed := b.Alive(); closed != nil {
		return closed
	}
	if ctx.Err() != nil {
		return b.Named(context.Cause(ctx))
	}
	return b.Named(err)
}

// Cause is why the box ended or ends; nil while it lives.
func (b *Box) Cause() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cause
}

// End notes why the box ends; the first cause stays.
func (b *Box) End(cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cause == nil {
		b.cause = cause
	}
}

// Died notes that the box ended by itself, unless somebody ended it for a reason.
func (b *Box) Died(cause error) {
	oom := b.RanOut()
	b.mu.Lock()
	b.oom = oom
	b.mu.Unlock()
	if oom {
		cause = fmt.Errorf("%w: out of memory", cause)
	}
	b.End(fmt.Errorf("sandbox %s died: %w", b.ID, cause))
}

// EndAll tells what hangs on the box that it ended.
func (b *Box) EndAll() {
	b.closeWaiting()
	b.mu.Lock()
	listeners := b.listeners
	b.listeners = nil
	left := b.processes
	b.processes = nil
	b.early.Drop()
	b.mu.Unlock()
	for l := range listeners {
		l.end()
	}
	for _, p := range left {
		go p.finish(killedExit)
	}
}

// ranOut says whether the memory limit killed a process, or the box with it.
func (b *Box) ranOut() bool {
	b.mu.Lock()
	oom := b.oom
	b.mu.Unlock()
	return oom || b.RanOut()
}

// Exited is told by the control's reader.
func (b *Box) Exited(e initproto.Exit) {
	b.mu.Lock()
	p := b.processes[e.ID]
	delete(b.processes, e.ID)
	b.mu.Unlock()
	if p != nil {
		go p.finish(e)
	}
}

// call asks the agent, for an error that says why it was in vain.
func (b *Box) call(ctx context.Context, r *agentproto.Request) error {
	_, err := b.Control.Call(ctx, r)
	if err != nil {
		return b.Explain(ctx, err)
	}
	return nil
}

// Ask has the agent do something that needs no bound box.
func (b *Box) Ask(ctx context.Context, r *agentproto.Request) error {
	if err := errors.Join(b.Alive(), context.Cause(ctx)); err != nil {
		return err
	}
	return b.call(ctx, r)
}
