package stream

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Channel is the host's end of a command's channel. Its methods may be called from many
// goroutines.
type Channel struct {
	conn *net.UnixConn
	turn chan struct{} // holds one token: a deadline belongs to one sender at a time
}

// New makes a channel and returns the end for the command, too, which the caller closes
// when the command has it.
func New() (*Channel, *os.File, error) {
	conn, child, err := ConnPair(channelType)
	if err != nil {
		return nil, nil, err
	}
	return &Channel{conn: conn, turn: make(chan struct{}, 1)}, child, nil
}

// Open makes a stream and sends one end to the command. It waits while the command has
// not taken earlier ones, until ctx ends: then its error is the cause of ctx, or one of
// the write's deadline.
func (c *Channel) Open(ctx context.Context) (net.Conn, error) {
	ours, theirs, err := newParted()
	if err != nil {
		return nil, err
	}
	defer theirs.close()
	if err := c.send(ctx, theirs); err != nil {
		_ = ours.Close() // nobody has it
		return nil, err
	}
	return ours, nil
}

// send gives a stream to the command.
func (c *Channel) send(ctx context.Context, s partedEnd) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	_ = c.conn.SetWriteDeadline(time.Time{}) // fails when closed; then writing does, too
	late := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(late)
		_ = c.conn.SetWriteDeadline(time.Unix(1, 0))
	})
	defer func() {
		if !stop() {
			<-late // or it would be the next sender's deadline
		}
	}()
	_, _, err := c.conn.WriteMsgUnix([]byte{0}, unix.UnixRights(int(s.socket.Fd()), int(s.pipe.Fd())), nil)
	return err
}

// Close ends the channel; streams that wait in it end, too.
func (c *Channel) Close() error { return c.conn.Close() }

// Ended says whether an error of Open means that no command reads the channel any more.
func Ended(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, net.ErrClosed)
}

// ConnPair is Pair whose host's end is a connection.
func ConnPair(kind int) (host *net.UnixConn, child *os.File, err error) {
	ours, child, err := Pair(kind)
	if err != nil {
		return nil, nil, err
	}
	if host, err = Conn(ours); err != nil {
		_ = child.Close() // nobody has it
		return nil, nil, err
	}
	return host, child, nil
}

// Conn turns a socket into a connection and closes the file.
func Conn(f *os.File) (*net.UnixConn, error) {
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}
