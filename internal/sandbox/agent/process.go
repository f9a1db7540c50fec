package agent

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
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/output"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// Process is a command in a box.
type Process struct {
	box            *Box
	id             uint64
	stdout, stderr string // names of its pipes; stderr "" = the same
	outputs        []Output
	direct         *Visit // its one stream; nil without
	taken          atomic.Bool
	killed         atomic.Bool // by our hand, so not by the memory limit
	starved        atomic.Bool // by our hand in the place of the memory limit's
	ended          atomic.Bool // it is gone, its output perhaps not yet delivered
	done           chan struct{}
	exit           sandbox.Exit // written before done is closed
}

var _ sandbox.Process = (*Process)(nil)

// connect makes what the agent is to fetch for the command.
func (p *Process) connect(c sandbox.Command, undo *cleanup.Stack) (err error) {
	if p.stdout, err = p.addOutput("out", c.Stdout, undo); err != nil {
		return err
	}
	if !output.Same(c.Stdout, c.Stderr) {
		if p.stderr, err = p.addOutput("err", c.Stderr, undo); err != nil {
			return err
		}
	}
	if c.Stream && c.Direct {
		p.direct = p.box.Tickets.ExpectOne()
		undo.Add(func() error { p.direct.End(); return nil })
	}
	return nil
}

func (p *Process) addOutput(kind string, w io.Writer, undo *cleanup.Stack) (string, error) {
	name, o, err := p.box.Pipes.Open(fmt.Sprint(p.id, ".", kind), w)
	if err != nil {
		return "", err
	}
	undo.Add(func() error { o.Finish(); return nil })
	p.outputs = append(p.outputs, o)
	return name, nil
}

// began is called when the command runs and has its pipes.
func (p *Process) began() {
	for _, o := range p.outputs {
		o.Began()
	}
}

// speaks makes it the one that Open speaks to, for the first time over a stream that is open
// already, if there is one: also when it has said what it had to say there and ended.
func (p *Process) speaks(early net.Conn) {
	p.box.mu.Lock()
	defer p.box.mu.Unlock()
	p.box.streamed = true
	p.box.early.Keep(early)
	if !p.ended.Load() {
		p.box.speaker = p
	}
	if p.box.cause != nil {
		p.box.early.Drop()
	}
}

// open opens a stream to the command.
func (p *Process) open(ctx context.Context) (net.Conn, error) {
	if p.direct != nil {
		if !p.taken.CompareAndSwap(false, true) {
			return nil, stream.ErrTaken
		}
		conn, err := p.direct.Take(ctx, p.done)
		p.taken.Store(err == nil)
		return conn, err
	}
	v := p.box.Tickets.ExpectOne()
	defer v.End()
	if _, err := p.box.Control.Call(ctx, &agentproto.Request{Open: &agentproto.Open{ID: p.id, Ticket: v.Ticket}}); err != nil {
		return nil, err
	}
	return v.Take(ctx, p.done)
}

// Signal implements sandbox.Process.
func (p *Process) Signal(sig os.Signal) error {
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
	_, err := p.box.Control.Call(context.Background(), &agentproto.Request{Signal: &agentproto.Signal{ID: p.id, Number: number}})
	if errors.Is(err, unix.ESRCH) || errors.Is(err, sandbox.ErrClosed) {
		return os.ErrProcessDone
	}
	return err
}

// Sync implements sandbox.Process.
func (p *Process) Sync(ctx context.Context) error {
	for _, o := range p.outputs {
		if err := o.Sync(ctx); err != nil {
			return err
		}
	}
	return nil
}

// finish delivers the last output and closes everything. It runs once.
func (p *Process) finish(e initproto.Exit) {
	p.ended.Store(true)
	exit := sandbox.Exit{Code: e.Code, Signal: e.Signal}
	if e.Signal == syscall.SIGKILL && !p.killed.Load() {
		exit.OutOfMemory = p.starved.Load() || p.box.ranOut()
	}
	p.box.dropSpeaker(p)
	if p.direct != nil {
		p.direct.End()
	}
	for _, o := range p.outputs {
		o.Finish()
	}
	p.exit = exit
	close(p.done)
}

// dropSpeaker forgets a process that ended. What it said on a stream that was opened ahead can still
// be read.
func (b *Box) dropSpeaker(p *Process) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.speaker == p {
		b.speaker = nil
	}
}

func (p *Process) await(ctx context.Context) error {
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Done implements sandbox.Process.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit implements sandbox.Process.
func (p *Process) Exit() sandbox.Exit {
	select {
	case <-p.done:
		return p.exit
	default:
		return sandbox.Exit{}
	}
}
