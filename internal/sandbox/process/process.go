package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// process implements sandbox.Process.
type process struct {
	box       *box
	cmd       *exec.Cmd
	pumps     []*pump       // of stdout and stderr, where asked for
	streams   stream.Opener // nil without Stream
	childEnds []*os.File    // ours until the command was started

	gone chan struct{} // closed when the process was reaped; exit is valid
	done chan struct{} // closed when its output was delivered, too
	exit sandbox.Exit
}

// attach makes pipes and the stream channel.
func (p *process) attach(c sandbox.Command, undo *cleanup.Stack) error {
	undo.Add(func() error { p.closeChildEnds(); return nil })
	if c.Stdout != nil {
		end, err := p.pipe(c.Stdout, undo)
		if err != nil {
			return err
		}
		p.cmd.Stdout = end
	}
	if c.Stderr != nil {
		end, err := p.pipe(c.Stderr, undo)
		if err != nil {
			return err
		}
		p.cmd.Stderr = end
	}
	if c.Stream {
		return p.attachStreams(c, undo)
	}
	return nil
}

func (p *process) attachStreams(c sandbox.Command, undo *cleanup.Stack) error {
	streams, end, err := stream.For(c.Direct)
	if err != nil {
		return fmt.Errorf("making the stream channel: %w", err)
	}
	undo.Add(streams.Close)
	p.streams = streams
	p.childEnds = append(p.childEnds, end)
	p.cmd.ExtraFiles = []*os.File{end}
	return nil
}

func (p *process) closeChildEnds() {
	for _, f := range p.childEnds {
		_ = f.Close() // closed twice after a failed start
	}
}

// wait reaps the process, delivers what it wrote and says so.
func (p *process) wait() {
	_ = p.cmd.Wait() // ProcessState says it all
	p.exit = exitOf(p.cmd.ProcessState)
	p.box.count(p.cmd.ProcessState)
	close(p.gone)
	if p.streams != nil {
		_ = p.streams.Close() // the peer is gone
	}
	for _, pump := range p.pumps {
		_ = pump.sync(context.Background()) // ends with the pump at the latest
	}
	close(p.done)
}

func exitOf(state *os.ProcessState) sandbox.Exit {
	status, ok := state.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return sandbox.Exit{Signal: status.Signal()}
	}
	return sandbox.Exit{Code: state.ExitCode()}
}

// forget takes the process off its box's list when nothing of it is left.
func (p *process) forget() {
	<-p.done
	for _, pump := range p.pumps {
		<-pump.done
	}
	p.box.mu.Lock()
	defer p.box.mu.Unlock()
	delete(p.box.processes, p)
}

func (p *process) ended() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// finish waits until a killed process was reaped and its output delivered, and gives
// up output that an escaped descendant still could write.
func (p *process) finish(ctx context.Context) error {
	select {
	case <-p.done:
	case <-ctx.Done():
		p.stopPumps()
		return fmt.Errorf("waiting for the end of a process: %w", context.Cause(ctx))
	}
	p.stopPumps()
	for _, pump := range p.pumps {
		if err := pump.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *process) stopPumps() {
	for _, pump := range p.pumps {
		pump.stop()
	}
}

// Signal implements the method of sandbox.Process.
func (p *process) Signal(sig os.Signal) error {
	err := p.cmd.Process.Signal(sig)
	if err == nil || errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return fmt.Errorf("sending %v: %w", sig, err)
}

// Sync implements the method of sandbox.Process.
func (p *process) Sync(ctx context.Context) error {
	for _, pump := range p.pumps {
		if err := pump.sync(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Done implements the method of sandbox.Process.
func (p *process) Done() <-chan struct{} { return p.done }

// Exit implements the method of sandbox.Process.
func (p *process) Exit() sandbox.Exit {
	select {
	case <-p.done:
		return p.exit
	default:
		return sandbox.Exit{}
	}
}
