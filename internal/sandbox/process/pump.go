package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/cleanup"
)

// pump copies a pipe to a writer until no process holds the pipe's other end.
type pump struct {
	from *os.File
	to   io.Writer
	done chan struct{} // closed when the pump has ended

	mu      sync.Mutex // protects following fields and from's deadline
	waiters []chan struct{}
}

// pipe makes a pipe whose content goes to w, and returns the end for the command.
func (p *process) pipe(w io.Writer, undo *cleanup.Stack) (*os.File, error) {
	from, to, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	pump := &pump{from: from, to: w, done: make(chan struct{})}
	undo.Add(func() error { pump.stop(); <-pump.done; return nil })
	p.pumps = append(p.pumps, pump)
	p.childEnds = append(p.childEnds, to)
	go pump.run()
	return to, nil
}

// outputChunk is the capacity of a pipe (pipe(7)): one read empties it.
const outputChunk = 64 << 10

func (p *pump) run() {
	defer close(p.done)
	defer p.from.Close()
	buf := make([]byte, outputChunk)
	for {
		n, err := p.from.Read(buf)
		p.deliver(buf[:n])
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			p.answer(buf)
		case err != nil:
			return
		}
	}
}

// deliver drops what the writer refuses: a command does not learn of it.
func (p *pump) deliver(b []byte) {
	if len(b) > 0 {
		_, _ = p.to.Write(b) // see above
	}
}

// answer delivers what is in the pipe now and tells those who wait for that.
func (p *pump) answer(buf []byte) {
	p.mu.Lock()
	waiters := p.waiters
	p.waiters = nil
	_ = p.from.SetReadDeadline(time.Time{}) // fails after stop; then the next read does, too
	p.mu.Unlock()
	for n := p.pending(); n > 0; {
		got, err := p.from.Read(buf[:min(n, len(buf))])
		p.deliver(buf[:got])
		if n -= got; err != nil {
			break
		}
	}
	for _, w := range waiters {
		close(w)
	}
}

// pending returns how many bytes are in the pipe.
func (p *pump) pending() (n int) {
	raw, err := p.from.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), fionread) }) // 0 after stop
	return n
}

// sync returns when all that was in the pipe has reached the writer.
func (p *pump) sync(ctx context.Context) error {
	delivered := make(chan struct{})
	p.mu.Lock()
	p.waiters = append(p.waiters, delivered)
	_ = p.from.SetReadDeadline(time.Unix(1, 0)) // wakes run; fails when it has ended
	p.mu.Unlock()
	select {
	case <-delivered:
		return nil
	case <-p.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// stop ends the pump though others may still hold the pipe.
func (p *pump) stop() { _ = p.from.Close() } // closed before by run

// wait returns when the pump has ended.
func (p *pump) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("delivering output: %w", context.Cause(ctx))
	}
}
