package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox"
)

// streamFD is the stream channel's descriptor in a command: the first after stderr.
const streamFD = 3

// opener is the host's end of a command's streams.
type opener interface {
	open(ctx context.Context) (net.Conn, error)
	close() error // of what was not opened yet
}

// channel carries a descriptor for every stream.
type channel struct {
	conn *net.UnixConn
	turn chan struct{} // holds one token: a deadline belongs to one sender at a time
}

// direct is one stream, made when the command starts.
type direct struct {
	conn  *net.UnixConn
	taken atomic.Bool // by open, or closed
}

// streamForm is the value that says what the command inherits.
func streamForm(c sandbox.Command) string {
	if c.Direct {
		return "socket"
	}
	return "fd"
}

// newOpener returns the end for the command, too.
func newOpener(c sandbox.Command) (opener, *os.File, error) {
	kind := channelType
	if c.Direct {
		kind = unix.SOCK_STREAM
	}
	host, child, err := socketPair(kind)
	if err != nil {
		return nil, nil, err
	}
	conn, err := fileConn(host)
	if err != nil {
		_ = child.Close() // nobody has it
		return nil, nil, err
	}
	if c.Direct {
		return &direct{conn: conn}, child, nil
	}
	return &channel{conn: conn, turn: make(chan struct{}, 1)}, child, nil
}

// errStreamTaken is the answer to a second Open of a command with one stream.
var errStreamTaken = errors.New("the command has one stream, and it was opened before")

func (d *direct) open(context.Context) (net.Conn, error) {
	if !d.taken.CompareAndSwap(false, true) {
		return nil, errStreamTaken
	}
	return d.conn, nil
}

func (d *direct) close() error {
	if !d.taken.CompareAndSwap(false, true) {
		return nil
	}
	return d.conn.Close()
}

// fileConn turns f into a connection and closes f.
func fileConn(f *os.File) (*net.UnixConn, error) {
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}

// send gives f to the command with one byte of data.
func (c *channel) send(ctx context.Context, f *os.File) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	_ = c.conn.SetWriteDeadline(time.Time{}) // fails when closed; then writing does, too
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	_, _, err := c.conn.WriteMsgUnix([]byte{0}, unix.UnixRights(int(f.Fd())), nil)
	return err
}

func (c *channel) close() error { return c.conn.Close() }

// Open implements the method of sandbox.Sandbox.
func (b *box) Open(ctx context.Context) (net.Conn, error) {
	p, err := b.streaming()
	if err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	ctx, free := b.within(ctx)
	defer free()
	conn, err := p.streams.open(ctx)
	switch {
	case err == nil:
		return conn, nil
	case context.Cause(ctx) != nil:
		return nil, fmt.Errorf("opening a stream to box %s: %w", b.id, context.Cause(ctx))
	case errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET), errors.Is(err, net.ErrClosed):
		return nil, errNoReader
	}
	return nil, fmt.Errorf("opening a stream to box %s: %w", b.id, err)
}

// errNoReader is the answer of Open after the command has ended.
var errNoReader = fmt.Errorf("opening a stream: its command has ended: %w", sandbox.ErrClosed)

// streaming returns the most recent command with a stream channel.
func (b *box) streaming() (*process, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.usable("opening a stream to"); err != nil {
		return nil, err
	}
	switch {
	case b.channel == nil:
		return nil, fmt.Errorf("opening a stream to box %s: no command was run with a stream", b.id)
	case b.channel.ended():
		return nil, errNoReader
	}
	return b.channel, nil
}

// open makes a stream and sends one end to the command.
func (c *channel) open(ctx context.Context) (net.Conn, error) {
	host, child, err := socketPair(unix.SOCK_STREAM)
	if err != nil {
		return nil, err
	}
	defer child.Close()
	conn, err := fileConn(host)
	if err != nil {
		return nil, err
	}
	if err := c.send(ctx, child); err != nil {
		_ = conn.Close() // nobody has it
		return nil, err
	}
	return conn, nil
}

// socketPair makes two connected Unix sockets that no child inherits by accident.
func socketPair(kind int) (host, child *os.File, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := unix.Socketpair(unix.AF_UNIX, kind, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	unix.CloseOnExec(fds[0])
	unix.CloseOnExec(fds[1])
	return os.NewFile(uintptr(fds[0]), "stream"), os.NewFile(uintptr(fds[1]), "stream"), nil
}
