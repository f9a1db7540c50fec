package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox"
)

// Answers to Open.
var (
	// ErrTaken is that to a second Open of a command with one stream.
	ErrTaken = errors.New("the command has one stream, and it was opened before")
	// ErrNone is that before a command with a stream channel ran.
	ErrNone = errors.New("no command with a stream channel was run")
	// ErrEnded is that after the most recent one ended.
	ErrEnded = fmt.Errorf("the command with a stream channel ended: %w", sandbox.ErrClosed)
)

// Opener is the host's end of a command's streams: a Channel, or one direct stream.
type Opener interface {
	Open(ctx context.Context) (net.Conn, error)
	// Close ends what was not opened yet.
	Close() error
}

// For makes a command's streams, one that it inherits if direct is set, and returns the
// end for the command, too, which the caller closes when the command has it.
func For(direct bool) (Opener, *os.File, error) {
	if direct {
		return newSingle()
	}
	return New()
}

// Variable is the entry of the command's environment that says what descriptor fd is. Package
// sandbox describes it.
func Variable(direct bool, fd int) string {
	form := "fd"
	if direct {
		form = "socket"
	}
	return "LAMBENT_STREAM=" + form + ":" + strconv.Itoa(fd)
}

// single is one stream, made before its command starts.
type single struct {
	conn  *net.UnixConn
	taken atomic.Bool // by Open or Close
}

func newSingle() (Opener, *os.File, error) {
	conn, child, err := ConnPair(unix.SOCK_STREAM)
	if err != nil {
		return nil, nil, err
	}
	return &single{conn: conn}, child, nil
}

// Open implements Opener.
func (s *single) Open(context.Context) (net.Conn, error) {
	if !s.taken.CompareAndSwap(false, true) {
		return nil, ErrTaken
	}
	return s.conn, nil
}

// Close implements Opener.
func (s *single) Close() error {
	if !s.taken.CompareAndSwap(false, true) {
		return nil
	}
	return s.conn.Close()
}
