package light

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// killedExit is the end of a process whose box died.
var killedExit = initproto.Exit{Signal: syscall.SIGKILL}

// Run implements sandbox.Sandbox. A path that does not exist is fs.ErrNotExist.
func (b *box) Run(ctx context.Context, c sandbox.Command) (_ sandbox.Process, err error) {
	if err := b.usable(); err != nil {
		return nil, err
	}
	if err := c.Check(); err != nil {
		return nil, b.named(err)
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if err := b.attached(ctx); err != nil {
		return nil, err
	}
	if p, err := b.adopt(ctx, c); p != nil || err != nil {
		return p.orNil(), err
	}
	var undo cleanup.Stack
	defer undo.Run(nil)
	p := &process{box: b, done: make(chan struct{})}
	files, err := p.connect(c, &undo)
	defer closeFiles(files)
	if err != nil {
		return nil, b.named(err)
	}
	if err := b.register(p); err != nil {
		return nil, err
	}
	undo.Add(func() error { b.unregister(p); return nil })
	if err := b.ask(ctx, p, c, files); err != nil {
		return nil, err
	}
	undo.Release()
	return p, nil
}

// ask has the init start p. When ctx ends before the init says so, it is asked to
// kill p right after: it works in order.
func (b *box) ask(ctx context.Context, p *process, c sandbox.Command, files []*os.File) error {
	request := &initproto.Request{Run: b.runRequest(p.id, c)}
	err := b.control.call(ctx, request, descriptorsOf(files))
	if err == nil {
		p.began(b, c.Stream)
		return nil
	}
	if ctx.Err() != nil {
		late := &initproto.Request{Signal: &initproto.Signal{ID: p.id, Number: syscall.SIGKILL}}
		_ = b.control.post(late) // an error says that the box is gone, and p with it
	}
	return b.explain(ctx, fmt.Errorf("running %s: %w", c.Path, err))
}

func (b *box) runRequest(id uint64, c sandbox.Command) *initproto.Run {
	b.mu.Lock()
	env := slices.Concat(b.env, c.Env)
	b.mu.Unlock()
	if c.Stream {
		env = append(env, stream.Variable(c.Direct, initproto.StreamFD))
	}
	env = sandbox.LastOfEach(env)
	dir := c.Dir
	if dir == "" {
		dir = "/"
	}
	args := append([]string{c.Path}, c.Args...)
	return &initproto.Run{ID: id, Path: c.Path, Args: args, Env: env, Dir: dir, Stream: c.Stream}
}

// register makes p known before it runs: it may end before its start is answered.
func (b *box) register(p *process) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.aliveLocked(); err != nil {
		return err
	}
	b.last++
	p.id = b.last
	b.processes[p.id] = p
	return nil
}

func (b *box) unregister(p *process) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.processes, p.id)
}

// exited is told by the control's reader.
func (b *box) exited(e initproto.Exit) {
	b.mu.Lock()
	p := b.processes[e.ID]
	delete(b.processes, e.ID)
	b.mu.Unlock()
	if p != nil {
		go p.finish(e)
	}
}

// Open implements sandbox.Sandbox.
func (b *box) Open(ctx context.Context) (net.Conn, error) {
	if err := b.usable(); err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	b.mu.Lock()
	streams, streamed, early := b.stream, b.streamed, b.early.Take()
	b.mu.Unlock()
	switch {
	case early != nil:
		return early, nil
	case streams == nil && streamed:
		return nil, b.named(stream.ErrEnded)
	case streams == nil:
		return nil, b.named(stream.ErrNone)
	}
	conn, err := streams.Open(ctx)
	if err != nil {
		if stream.Ended(err) {
			err = stream.ErrEnded
		}
		return nil, b.explain(ctx, fmt.Errorf("opening a stream: %w", err))
	}
	return conn, nil
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
