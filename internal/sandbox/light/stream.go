package light

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox"
)

// errStreamTaken is the answer to a second Open of a command with one stream.
var errStreamTaken = errors.New("the command has one stream, and it was opened before")

// opener is the host's end of a command's streams.
type opener interface {
	open(ctx context.Context) (net.Conn, error)
	// Close ends what was not opened yet.
	Close() error
}

// streamForm is the value that says what the command inherits.
func streamForm(c sandbox.Command) string {
	if c.Direct {
		return "socket"
	}
	return "fd"
}

// newOpener returns the command's end, too.
func newOpener(c sandbox.Command) (opener, *os.File, error) {
	kind := unix.SOCK_SEQPACKET
	if c.Direct {
		kind = unix.SOCK_STREAM
	}
	ours, theirs, err := socketPair(kind)
	if err != nil {
		return nil, nil, err
	}
	conn, err := fileConn(ours)
	if err != nil {
		_ = theirs.Close() // nobody has it
		return nil, nil, err
	}
	if c.Direct {
		return &direct{conn: conn}, theirs, nil
	}
	return channel{conn}, theirs, nil
}

// channel carries a descriptor for every stream.
type channel struct{ *net.UnixConn }

// open sends one end of a new stream over the channel, with one byte of data.
func (c channel) open(ctx context.Context) (net.Conn, error) {
	ours, theirs, err := socketPair(unix.SOCK_STREAM)
	if err != nil {
		return nil, err
	}
	defer func() { _ = theirs.Close() }()
	conn, err := fileConn(ours)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	_ = c.SetWriteDeadline(deadline) // the zero time is none
	if _, _, err := c.WriteMsgUnix([]byte{0}, unix.UnixRights(int(theirs.Fd())), nil); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// direct is one stream, made when the command starts.
type direct struct {
	conn  *net.UnixConn
	taken atomic.Bool // by Open, or closed
}

func (d *direct) open(context.Context) (net.Conn, error) {
	if !d.taken.CompareAndSwap(false, true) {
		return nil, errStreamTaken
	}
	return d.conn, nil
}

// Close implements opener.
func (d *direct) Close() error {
	if !d.taken.CompareAndSwap(false, true) {
		return nil
	}
	return d.conn.Close()
}
