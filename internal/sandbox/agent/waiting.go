package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/output"
)

// waiting is an interpreter that was started in a generic box. It waits until its workload
// comes, and ends without one.
type waiting struct {
	process *Process
	start   net.Conn // where the workload comes from
	early   net.Conn // the first stream, opened ahead; nil for one that has its stream directly
	late    *lateWriter
}

// close gives up what nobody took: the interpreter ends.
func (w *waiting) close() {
	for _, conn := range []net.Conn{w.start, w.early} {
		if conn != nil {
			_ = conn.Close()
		}
	}
}

// Preload starts an interpreter in a generic box, for the first command with a stream that is
// run. What it needs of the host it fetches now: its start asks nothing of the agent any more.
// One that ends at once is no error: nothing waits then.
func (b *Box) Preload(ctx context.Context, c sandbox.Command) error {
	w := &waiting{late: &lateWriter{}}
	c.Stdout, c.Stderr = w.late, w.late
	visit := b.Tickets.ExpectOne()
	defer visit.End()
	var err error
	if w.process, err = b.execute(ctx, c, visit.Ticket); err != nil {
		return err
	}
	if err := w.connect(ctx, c, visit); err != nil {
		w.close()
		return errors.Join(b.Alive(), context.Cause(ctx))
	}
	return b.keepWaiting(w)
}

// connect takes the streams that it opens to the host.
func (w *waiting) connect(ctx context.Context, c sandbox.Command, start *Visit) (err error) {
	if w.start, err = start.Take(ctx, w.process.done); err != nil || !c.Stream || c.Direct {
		return err
	}
	w.early, err = w.process.open(ctx)
	return err
}

func (b *Box) keepWaiting(w *waiting) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.aliveLocked(); err != nil {
		w.close()
		return err
	}
	b.waiting = w
	return nil
}

// adopt gives a command that is to be run what waits, and the workload to that. Without one
// that fits, or when it has ended, it returns nil: the command is executed.
func (b *Box) adopt(ctx context.Context, c sandbox.Command) *Process {
	w := b.takeWaiting(c)
	if w == nil {
		return nil
	}
	defer func() { _ = w.start.Close() }()
	w.late.begin(c.Stdout)
	if err := w.tell(ctx, b.workloadOf(c)); err != nil {
		w.close()
		_ = w.process.Signal(syscall.SIGKILL) // it ended already, or has half of what it waits for
		return nil
	}
	w.process.speaks(w.early)
	return w.process
}

// takeWaiting takes out what waits if it can become the command.
func (b *Box) takeWaiting(c sandbox.Command) *waiting {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.waiting
	if w == nil || !c.Stream || !output.Same(c.Stdout, c.Stderr) {
		return nil
	}
	b.waiting = nil
	return w
}

// tell writes the workload and waits until it was read, which costs a start nothing: the
// interpreter is at work by then. Whoever reads it is our own program until it has it all.
func (w *waiting) tell(ctx context.Context, workload []byte) error {
	if w.process.ended.Load() {
		return os.ErrProcessDone
	}
	stop := context.AfterFunc(ctx, func() { _ = w.start.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := w.start.Write(workload); err != nil {
		return err
	}
	conn := w.start.(*net.UnixConn)
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("telling an interpreter its workload: %w", err)
	}
	return wasRead(conn)
}

// wasRead is an error when the other end was closed before it had read everything. Before gVisor
// closes a socket it shuts it down, which looks like an end; what was not read is still in it
// then, and resets the connection when it is closed (unix(7)). So it is looked at in that order.
func wasRead(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	left, number := 0, 0
	var failed error
	err = raw.Control(func(fd uintptr) {
		if left, failed = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); failed == nil {
			number, failed = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		}
	})
	if err = errors.Join(err, failed); err == nil && left+number != 0 {
		err = os.ErrProcessDone
	}
	return err
}

func (b *Box) workloadOf(c sandbox.Command) []byte {
	r := b.runRequest(&Process{}, c)
	return initproto.Workload{Dir: r.Dir, Env: r.Env}.Text()
}

// waits makes a request to start a command one to start an interpreter that waits.
func waits(r *agentproto.Run, ticket uint64) {
	place := agentproto.StreamFD
	if r.Stream {
		place++
	}
	r.Start = ticket
	r.Env = append(r.Env, fmt.Sprintf("LAMBENT_START=fd:%d", place))
}

// closeWaiting ends what waits with its box.
func (b *Box) closeWaiting() {
	b.mu.Lock()
	w := b.waiting
	b.waiting = nil
	b.mu.Unlock()
	if w != nil {
		w.close()
	}
}

// earlyOutput bounds what an interpreter that waits may print, in bytes; more is dropped.
const earlyOutput = 64 << 10

// lateWriter is where an interpreter writes before it is known for whom. It never blocks.
type lateWriter struct {
	mu    sync.Mutex // held while bytes go to the writer: they stay in order
	to    io.Writer  // nil before begin
	early []byte
}

// begin lets it write to w; a nil writer discards. Only the first call counts.
func (l *lateWriter) begin(w io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.to != nil {
		return
	}
	if l.to = w; w == nil {
		l.to = io.Discard
	}
	if len(l.early) > 0 {
		_, _ = l.to.Write(l.early) // what the writer says is not the process's concern
		l.early = nil
	}
}

// Write implements io.Writer.
func (l *lateWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.to != nil {
		return l.to.Write(p)
	}
	l.early = append(l.early, p[:min(len(p), earlyOutput-len(l.early))]...)
	return len(p), nil
}
