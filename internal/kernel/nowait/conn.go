package nowait

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// most is how much one call copies at most, in bytes: some microseconds. More is left to the
// connection itself.
const most = 64 << 10

// Conn is a socket that is read and written by this package's calls, or a socket that is read
// and what is written beside it. One goroutine at a time reads and one writes; all else is the
// connection's own.
type Conn struct {
	net.Conn
	raw      syscall.RawConn // nil: a pipe in memory
	sink     syscall.RawConn // what is written; nil with raw
	in, out  piece
	get, put func(fd uintptr) bool // made once: they are called for every piece
}

// parted is a connection that is not written where it is read.
type parted interface {
	SyscallWriter() (syscall.RawConn, error)
}

// piece is what is being read or written.
type piece struct {
	p   []byte
	n   int
	err error
}

// Of returns a connection that is read and written without a word to the scheduler, where it
// is a socket.
func Of(c net.Conn) *Conn {
	n := &Conn{Conn: c}
	if s, ok := c.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			n.raw, n.sink = raw, raw
		}
	}
	if s, ok := c.(parted); ok && n.raw != nil {
		if sink, err := s.SyscallWriter(); err == nil {
			n.sink = sink
		}
	}
	n.get = func(fd uintptr) bool { n.in.n, n.in.err = Read(int(fd), n.in.p); return n.in.done() }
	n.put = func(fd uintptr) bool { n.out.n, n.out.err = Write(int(fd), n.out.p); return n.out.done() }
	return n
}

// done says that a call has not to wait for the socket.
func (x *piece) done() bool { return !errors.Is(x.err, unix.EAGAIN) }

// Raw is the socket that is read, nil where the connection is none.
func (c *Conn) Raw() syscall.RawConn { return c.raw }

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	if c.raw == nil || len(p) == 0 {
		return c.Conn.Read(p)
	}
	c.in.p = p[:min(len(p), most)]
	err := c.raw.Read(c.get)
	c.in.p = nil
	switch {
	case err != nil:
		return 0, err
	case c.in.err != nil:
		return 0, c.failed("read", c.in.err)
	case c.in.n == 0:
		return 0, io.EOF
	}
	return c.in.n, nil
}

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (written int, err error) {
	if c.raw == nil || len(p) > most {
		return c.Conn.Write(p)
	}
	for written < len(p) {
		c.out.p = p[written:]
		err := c.sink.Write(c.put)
		c.out.p = nil
		if err != nil {
			return written, err
		}
		if c.out.err != nil {
			return written, c.failed("write", c.out.err)
		}
		written += c.out.n
	}
	return written, nil
}

// failed is an error as package net has it.
func (c *Conn) failed(op string, err error) error {
	return &net.OpError{Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(op, err)}
}
