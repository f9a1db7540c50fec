package light

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/output"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// process is a command in a box.
type process struct {
	box     *box
	id      uint64
	outputs []*output.Output
	streams stream.Opener // nil without Stream
	forked  *forked       // nil: the init executed it
	killed  atomic.Bool   // by our hand, so not by the memory limit
	ended   atomic.Bool   // it is gone, its output perhaps not yet delivered
	done    chan struct{}
	exit    sandbox.Exit // written before done is closed
}

var _ sandbox.Process = (*process)(nil)

// connect makes what the command inherits and returns it: stdout, stderr and the
// stream channel's end.
func (p *process) connect(c sandbox.Command, undo *cleanup.Stack) (files []*os.File, err error) {
	stdout, err := p.addOutput(c.Stdout, undo)
	if err != nil {
		return nil, err
	}
	files = append(files, stdout)
	stderr := stdout
	if !output.Same(c.Stdout, c.Stderr) {
		if stderr, err = p.addOutput(c.Stderr, undo); err != nil {
			return files, err
		}
	}
	files = append(files, stderr)
	if !c.Stream {
		return files, nil
	}
	streams, theirs, err := stream.For(c.Direct)
	if err != nil {
		return files, err
	}
	undo.Add(streams.Close)
	p.streams = streams
	return append(files, theirs), nil
}

func (p *process) addOutput(w io.Writer, undo *cleanup.Stack) (*os.File, error) {
	o, theirs, err := output.Pipe()
	if err != nil {
		return nil, err
	}
	o.Begin(w)
	undo.Add(func() error { o.Close(); return nil })
	p.outputs = append(p.outputs, o)
	return theirs, nil
}

// began makes the process the one that Open speaks to, if it has streams.
func (p *process) began(b *box, stream bool) {
	if !stream {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streamed = true
	b.early.Drop() // it speaks to an earlier command
	if !p.ended.Load() {
		b.stream = p.streams
	}
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
	if p.forked != nil {
		return p.forked.signal(number)
	}
	request := &initproto.Request{Signal: &initproto.Signal{ID: p.id, Number: number}}
	err := p.box.control.call(context.Background(), request, nil)
	if errors.Is(err, unix.ESRCH) || errors.Is(err, sandbox.ErrClosed) {
		return os.ErrProcessDone
	}
	return err
}

// Sync implements sandbox.Process.
func (p *process) Sync(ctx context.Context) error { return output.Sync(ctx, p.outputs) }

// finish delivers the last output and closes everything. It runs once.
func (p *process) finish(e initproto.Exit) {
	p.ended.Store(true)
	exit := sandbox.Exit{Code: e.Code, Signal: e.Signal}
	if e.Signal == syscall.SIGKILL && !p.killed.Load() {
		exit.OutOfMemory = p.box.takeOOM()
	}
	if p.streams != nil {
		p.box.dropStream(p.streams)
	}
	for _, o := range p.outputs {
		o.Sync()
		o.Close()
	}
	p.exit = exit
	close(p.done)
}

// dropStream forgets the streams of a process that ended and closes what was not
// opened: streams that wait in a channel end too. What the process had said on one that it was
// given early can still be read.
func (b *box) dropStream(streams stream.Opener) {
	b.mu.Lock()
	if b.stream == streams {
		b.stream = nil
	}
	b.mu.Unlock()
	_ = streams.Close()
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

// orNil is a nil interface for a nil process.
func (p *process) orNil() sandbox.Process {
	if p == nil {
		return nil
	}
	return p
}
