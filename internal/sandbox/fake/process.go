package fake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"

	"lambent.dev/lambent/internal/sandbox"
)

// errKilled is the cause of the context of a process that ended.
var errKilled = errors.New("process was killed")

// Proc is a process as the program that plays it sees it.
type Proc struct {
	Command sandbox.Command
	Env     []string // of the workload, then of the command
	Run     int      // which run with a stream of this box, from 1
	box     *Sandbox
	process *process
}

// Getenv returns the last value of a variable or "".
func (p *Proc) Getenv(name string) string {
	for i := len(p.Env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(p.Env[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// ReadTmp reads a file of /tmp; "" if there is none.
func (p *Proc) ReadTmp(name string) string {
	p.box.mu.Lock()
	defer p.box.mu.Unlock()
	return p.box.tmp[name]
}

// WriteTmp writes a file of /tmp. It stays over a Reset.
func (p *Proc) WriteTmp(name, content string) {
	p.box.mu.Lock()
	defer p.box.mu.Unlock()
	p.box.tmp[name] = content
}

// Print writes to the command's standard output.
func (p *Proc) Print(text string) {
	if p.Command.Stdout != nil {
		_, _ = io.WriteString(p.Command.Stdout, text)
	}
}

// process is a command that plays.
type process struct {
	box     *Sandbox
	cmd     sandbox.Command
	run     int
	ctx     context.Context
	cancel  context.CancelCauseFunc
	done    chan struct{}
	arrived chan net.Conn // the runtime's ends of opened streams

	mu    sync.Mutex // guards what follows
	exit  *sandbox.Exit
	conns []net.Conn // both ends of every stream
	dials []net.Conn // what it connected to by itself
	ended bool
	opens int // streams so far
}

var _ sandbox.Process = (*process)(nil)

func newProcess(b *Sandbox, c sandbox.Command) *process {
	p := &process{box: b, cmd: c, done: make(chan struct{}), arrived: make(chan net.Conn, 16)}
	p.ctx, p.cancel = context.WithCancelCause(context.Background())
	return p
}

// play runs the program that the script has for the command.
func (p *process) play() {
	proc := &Proc{Command: p.cmd, Run: p.run, box: p.box, process: p}
	proc.Env = append(append(proc.Env, p.box.Workload().Env...), p.cmd.Env...)
	var e sandbox.Exit
	switch {
	case p.cmd.Stream:
		e = p.serve(proc)
	case p.box.driver.script.Program != nil:
		e = p.box.driver.script.Program(p.ctx, proc)
	default:
		<-p.ctx.Done()
	}
	p.kill(e)
	p.finish()
}

// kill asks the process to end with e. The first call wins.
func (p *process) kill(e sandbox.Exit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exit == nil {
		p.exit = &e
	}
	p.cancel(errKilled)
	p.closeStreamsLocked()
	for _, c := range p.dials {
		_ = c.Close()
	}
	p.dials = nil
}

// own closes c when the process ends, as a kernel does.
func (p *process) own(c net.Conn) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exit != nil {
		_ = c.Close()
		return nil, errKilled
	}
	p.dials = append(p.dials, c)
	return c, nil
}

func (p *process) loseStreams() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeStreamsLocked()
}

func (p *process) closeStreamsLocked() {
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.box.driver.update(func(c *Count) { c.Streams -= len(p.conns) / 2 })
	p.conns = nil
}

// finish accounts for the end and lets waiters go.
func (p *process) finish() {
	if p.Exit().OutOfMemory {
		p.box.Spend(0, 0, 1)
	}
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.box.mu.Lock()
	delete(p.box.procs, p)
	p.box.mu.Unlock()
	p.box.driver.update(func(c *Count) { c.Processes-- })
	close(p.done)
}

// open makes a stream and hands the far end to the runtime.
func (p *process) open() (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exit != nil {
		return nil, fmt.Errorf("opening a stream: process ended: %w", sandbox.ErrClosed)
	}
	if p.cmd.Direct && p.opens > 0 {
		return nil, errors.New("opening a stream: the command has one stream, and it was opened before")
	}
	near, far := net.Pipe()
	select {
	case p.arrived <- far:
	default:
		return nil, errors.New("opening a stream: too many that the command did not take")
	}
	p.opens++
	p.conns = append(p.conns, near, far)
	p.box.driver.update(func(c *Count) { c.Streams++ })
	return near, nil
}

// Signal implements sandbox.Process. Every signal ends a fake.
func (p *process) Signal(sig os.Signal) error {
	select {
	case <-p.done:
		return os.ErrProcessDone
	default:
	}
	number, ok := sig.(syscall.Signal)
	if !ok {
		return fmt.Errorf("signal %v: not a system signal", sig)
	}
	p.kill(sandbox.Exit{Signal: number})
	return nil
}

// Sync implements sandbox.Process. A fake's output is never behind.
func (p *process) Sync(ctx context.Context) error { return context.Cause(ctx) }

// Done implements sandbox.Process.
func (p *process) Done() <-chan struct{} { return p.done }

// Exit implements sandbox.Process.
func (p *process) Exit() sandbox.Exit {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exit == nil {
		return sandbox.Exit{}
	}
	return *p.exit
}
