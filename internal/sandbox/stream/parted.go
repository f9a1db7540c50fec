package stream

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Parted is the host's end of a stream whose two directions part: it reads from a socket and
// writes to a pipe. When a stream socket is read, Linux wakes whoever waits at the other end, to
// read or to write (unix_write_space); each event would wake both sides for nothing. A pipe wakes
// a writer only if it was full. What the command sends stays on a socket: that can be looked into
// without taking from it.
type Parted struct {
	socket *net.UnixConn // not embedded: it would bring writes of its own
	pipe   *os.File
}

var _ net.Conn = (*Parted)(nil)

// partedEnd is the command's end.
type partedEnd struct{ socket, pipe *os.File }

func (e partedEnd) close() { _, _ = e.socket.Close(), e.pipe.Close() }

func newParted() (_ *Parted, end partedEnd, err error) {
	conn, child, err := ConnPair(unix.SOCK_STREAM)
	if err != nil {
		return nil, end, err
	}
	read, write, err := pipe()
	if err != nil {
		_, _ = child.Close(), conn.Close() // nobody has them
		return nil, end, err
	}
	return &Parted{conn, write}, partedEnd{child, read}, nil
}

// Read implements net.Conn.
func (p *Parted) Read(b []byte) (int, error) { return p.socket.Read(b) }

// Write implements net.Conn.
func (p *Parted) Write(b []byte) (int, error) { return p.pipe.Write(b) }

// SyscallConn is what Read reads from.
func (p *Parted) SyscallConn() (syscall.RawConn, error) { return p.socket.SyscallConn() }

// SyscallWriter is what Write writes to.
func (p *Parted) SyscallWriter() (syscall.RawConn, error) { return p.pipe.SyscallConn() }

// Close implements net.Conn.
func (p *Parted) Close() error { return errors.Join(p.pipe.Close(), p.socket.Close()) }

// CloseWrite ends what the command reads.
func (p *Parted) CloseWrite() error { return p.pipe.Close() }

// LocalAddr implements net.Conn.
func (p *Parted) LocalAddr() net.Addr { return p.socket.LocalAddr() }

// RemoteAddr implements net.Conn.
func (p *Parted) RemoteAddr() net.Addr { return p.socket.RemoteAddr() }

// SetDeadline implements net.Conn.
func (p *Parted) SetDeadline(t time.Time) error {
	return errors.Join(p.SetWriteDeadline(t), p.SetReadDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (p *Parted) SetReadDeadline(t time.Time) error { return p.socket.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (p *Parted) SetWriteDeadline(t time.Time) error { return p.pipe.SetWriteDeadline(t) }

// pipeOf makes files of a pipe's descriptors, or closes them.
func pipeOf(fds [2]int) (read, write *os.File, err error) {
	err = unix.SetNonblock(fds[1], true)
	read, write = os.NewFile(uintptr(fds[0]), "pipe"), os.NewFile(uintptr(fds[1]), "pipe")
	if err != nil {
		_, _ = read.Close(), write.Close() // nobody has them
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	return read, write, nil
}
