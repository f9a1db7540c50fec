package gvisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/gvisor/agentproto"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/output"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// process is a command in a box.
type process struct {
	box            *box
	id             uint64
	stdout, stderr string // names of its pipes; stderr "" = the same
	outputs        []*output.Output
	pipes          []*pipe
	direct         *visit // its one stream; nil without
	taken          atomic.Bool
	killed         atomic.Bool // by our hand, so not by the memory limit
	ended          atomic.Bool // it is gone, its output perhaps not yet delivered
	done           chan struct{}
	exit           sandbox.Exit // written before done is closed
}

var _ sandbox.Process = (*process)(nil)

// connect makes what the agent is to fetch for the command.
func (p *process) connect(c sandbox.Command, undo *cleanup.Stack) (err error) {
	if p.stdout, err = p.addOutput("out", c.Stdout, undo); err != nil {
		return err
	}
	if !output.Same(c.Stdout, c.Stderr) {
		if p.stderr, err = p.addOutput("err", c.Stderr, undo); err != nil {
			return err
		}
	}
	if c.Stream && c.Direct {
		p.direct = p.box.door.expectOne()
		undo.Add(func() error { p.direct.end(); return nil })
	}
	return nil
}

func (p *process) addOutput(kind string, w io.Writer, undo *cleanup.Stack) (name string, err error) {
	name = fmt.Sprint(p.id, ".", kind)
	pipe, err := p.box.door.pipe(name)
	if err != nil {
		return "", err
	}
	o, err := output.Of(pipe.reader)
	if err != nil {
		pipe.close()
		return "", err
	}
	o.Begin(w)
	undo.Add(func() error { pipe.close(); o.Close(); return nil })
	p.outputs, p.pipes = append(p.outputs, o), append(p.pipes, pipe)
	return name, nil
}

// began is called when the command runs and has its pipes. With streams it is the one that
// Open speaks to.
func (p *process) began(stream bool) {
	for _, pipe := range p.pipes {
		_ = pipe.writer.Close()
	}
	if !stream {
		return
	}
	p.box.mu.Lock()
	defer p.box.mu.Unlock()
	p.box.streamed = true
	if !p.ended.Load() {
		p.box.speaker = p
	}
}

// open opens a stream to the command.
func (p *process) open(ctx context.Context) (net.Conn, error) {
	if p.direct != nil {
		if !p.taken.CompareAndSwap(false, true) {
			return nil, stream.ErrTaken
		}
		conn, err := p.direct.take(ctx, p.done)
		p.taken.Store(err == nil)
		return conn, err
	}
	v := p.box.door.expectOne()
	defer v.end()
	if _, err := p.box.control.call(ctx, &agentproto.Request{Open: &agentproto.Open{ID: p.id, Ticket: v.ticket}}); err != nil {
		return nil, err
	}
	return v.take(ctx, p.done)
}

// Signal implements sandbox.Process.
func (p *process) Signal(sig os.Signal) error {
	number, ok := sig.(syscall.Signal)
	if !ok {
		return fmt.Errorf("signal %v is not a number", sig)
	}
	if p.ended.Load() {
		return os.ErrProcessDone
	}
	if number == syscall.SIGKILL {
		p.killed.Store(true)
	}
	_, err := p.box.control.call(context.Background(), &agentproto.Request{Signal: &agentproto.Signal{ID: p.id, Number: number}})
	if errors.Is(err, unix.ESRCH) || errors.Is(err, sandbox.ErrClosed) {
		return os.ErrProcessDone
	}
	return err
}

// Sync implements sandbox.Process. What a process in gVisor has written is in the host's pipe.
func (p *process) Sync(ctx context.Context) error { return output.Sync(ctx, p.outputs) }

// finish delivers the last output and closes everything. It runs once.
func (p *process) finish(e initproto.Exit) {
	p.ended.Store(true)
	exit := sandbox.Exit{Code: e.Code, Signal: e.Signal}
	if e.Signal == syscall.SIGKILL && !p.killed.Load() {
		exit.OutOfMemory = p.box.ranOut()
	}
	p.box.dropSpeaker(p)
	if p.direct != nil {
		p.direct.end()
	}
	for _, o := range p.outputs {
		o.Sync()
		o.Close()
	}
	for _, pipe := range p.pipes {
		pipe.close()
	}
	p.exit = exit
	close(p.done)
}

// ranOut says whether the memory limit killed a process, or the box with it.
func (b *box) ranOut() bool {
	b.mu.Lock()
	oom := b.oom
	b.mu.Unlock()
	return oom || b.takeOOM()
}

// dropSpeaker forgets a process that ended.
func (b *box) dropSpeaker(p *process) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.speaker == p {
		b.speaker = nil
	}
}

func (p *process) await(ctx context.Context) error {
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Done implements sandbox.Process.
func (p *process) Done() <-chan struct{} { return p.done }

// Exit implements sandbox.Process.
func (p *process) Exit() sandbox.Exit {
	select {
	case <-p.done:
		return p.exit
	default:
		return sandbox.Exit{}
	}
}
