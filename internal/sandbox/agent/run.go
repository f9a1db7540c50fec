package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// killedExit is the end of a process whose box died.
var killedExit = initproto.Exit{Signal: syscall.SIGKILL}

// Run implements sandbox.Sandbox. A path that does not exist is fs.ErrNotExist.
func (b *Box) Run(ctx context.Context, c sandbox.Command) (sandbox.Process, error) {
	if err := b.Usable(); err != nil {
		return nil, err
	}
	if err := c.Check(); err != nil {
		return nil, b.Named(err)
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if p := b.adopt(ctx, c); p != nil {
		return p, nil
	}
	p, err := b.execute(ctx, c, 0)
	if err != nil {
		return nil, err
	}
	if c.Stream {
		p.speaks(nil)
	}
	return p, nil
}

// execute has the agent start a command; with a ticket one that waits for its workload there.
func (b *Box) execute(ctx context.Context, c sandbox.Command, start uint64) (*Process, error) {
	p := &Process{box: b, id: b.nextID(), done: make(chan struct{})}
	var undo cleanup.Stack
	defer undo.Run(nil)
	if err := p.connect(c, &undo); err != nil {
		return nil, b.Explain(ctx, err)
	}
	if err := b.register(p); err != nil {
		return nil, err
	}
	r := b.runRequest(p, c)
	if start != 0 {
		waits(r, start)
	}
	if err := b.ask(ctx, r); err != nil {
		b.abandon(p, &undo)
		return nil, err
	}
	undo.Release()
	p.began()
	return p, nil
}

// Adopt makes the command that waits in the box since before it was known for whom, as
// agentproto.Preload started it, the one that is to be run. It returns nil where that has ended
// or cannot become it: then the command must be executed.
func (b *Box) Adopt(ctx context.Context, c sandbox.Command) (sandbox.Process, error) {
	p := &Process{box: b, id: agentproto.PreloadID, done: make(chan struct{})}
	if err := b.Usable(); err != nil {
		return nil, err
	}
	var undo cleanup.Stack
	defer undo.Run(nil)
	if err := p.connect(c, &undo); err != nil {
		return nil, b.Explain(ctx, err)
	}
	if err := b.register(p); err != nil {
		return nil, err
	}
	r := b.runRequest(p, c)
	a := &agentproto.Adopt{Stdout: p.stdout, Direct: r.Direct, Workload: initproto.Workload{Dir: r.Dir, Env: r.Env}.Text()}
	_, err := b.Control.Call(ctx, &agentproto.Request{Adopt: a})
	if err != nil {
		b.abandon(p, &undo)
	}
	if errors.Is(err, syscall.ESRCH) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, initproto.ErrTooLarge) {
		return nil, nil
	}
	if err != nil {
		if ctx.Err() != nil {
			b.killLate(p.id)
		}
		return nil, b.Explain(ctx, fmt.Errorf("running %s: %w", c.Path, err))
	}
	undo.Release()
	p.began()
	if c.Stream {
		p.speaks(nil)
	}
	return p, nil
}

// killLate has the agent kill what it may have started after nobody waits for that any more: it
// works in order.
func (b *Box) killLate(id uint64) {
	late := &agentproto.Request{Signal: &agentproto.Signal{ID: id, Number: syscall.SIGKILL}}
	_ = b.Control.Post(late) // an error says that the box is gone, and p with it
}

// ask has the agent start a command. When ctx ends before the agent says so, it is asked to
// kill it right after: it works in order.
func (b *Box) ask(ctx context.Context, r *agentproto.Run) error {
	_, err := b.Control.Call(ctx, &agentproto.Request{Run: r})
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		b.killLate(r.ID)
	}
	return b.Explain(ctx, fmt.Errorf("running %s: %w", r.Path, err))
}

func (b *Box) runRequest(p *Process, c sandbox.Command) *agentproto.Run {
	b.mu.Lock()
	env := slices.Concat(b.env, c.Env)
	b.mu.Unlock()
	r := &agentproto.Run{
		ID: p.id, Path: c.Path, Args: append([]string{c.Path}, c.Args...), Dir: c.Dir,
		Stdout: p.stdout, Stderr: p.stderr, Stream: c.Stream,
	}
	if r.Dir == "" {
		r.Dir = "/"
	}
	if c.Stream {
		env = append(env, stream.Variable(c.Direct, agentproto.StreamFD))
	}
	if p.direct != nil {
		r.Direct = p.direct.Ticket
	}
	r.Env = sandbox.LastOfEach(env)
	return r
}

// nextID is the number of another command.
func (b *Box) nextID() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	return b.last
}

// register makes p, which has its pipes, known before it runs: it may end before its start is
// answered. From then on its end closes them.
func (b *Box) register(p *Process) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.aliveLocked(); err != nil {
		return err
	}
	if b.processes == nil {
		b.processes = make(map[uint64]*Process)
	}
	b.processes[p.id] = p
	return nil
}

// abandon forgets a process that was not started. Where it has ended meanwhile, with its box for
// instance, its end has what undo would close.
func (b *Box) abandon(p *Process, undo *cleanup.Stack) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.processes[p.id] != p {
		undo.Release()
		return
	}
	delete(b.processes, p.id)
}

// Open implements sandbox.Sandbox.
func (b *Box) Open(ctx context.Context) (net.Conn, error) {
	if err := b.Usable(); err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	b.mu.Lock()
	speaker, streamed := b.speaker, b.streamed
	early := b.early.Take()
	b.mu.Unlock()
	switch {
	case early != nil:
		return early, nil
	case speaker == nil && streamed:
		return nil, b.Named(stream.ErrEnded)
	case speaker == nil:
		return nil, b.Named(stream.ErrNone)
	}
	conn, err := speaker.open(ctx)
	if err != nil {
		if speaker.ended.Load() || errors.Is(err, syscall.EPIPE) {
			err = stream.ErrEnded
		}
		return nil, b.Explain(ctx, fmt.Errorf("opening a stream: %w", err))
	}
	return conn, nil
}
