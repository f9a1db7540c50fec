package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox/agent/wire"
)

// vsockPort is the way to the host over vsock: the host connects. The connection of a guest that
// is saved ends, and each that goes on from there is connected to anew; one that is awake keeps
// the connection that it has, and lives as long. One goroutine reads.
type vsockPort struct {
	listener int

	mu      sync.Mutex // protects the fields below
	conn    *os.File   // nil before the first
	settled bool       // no other connection is accepted
}

// listenVsock makes the port on which the host finds this guest.
func (g *guest) listenVsock(number string) error {
	port, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return fmt.Errorf("the port of vsock: %w", err)
	}
	fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket AF_VSOCK", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrVM{CID: unix.VMADDR_CID_ANY, Port: uint32(port)}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(fd, 1); err != nil {
		return os.NewSyscallError("listen", err)
	}
	g.vsock = &vsockPort{listener: fd}
	g.wire = wire.Guest(g.vsock)
	return nil
}

// Read implements io.Reader: it goes on with the next connection where one ended.
func (p *vsockPort) Read(b []byte) (int, error) {
	for {
		conn, settled := p.current()
		if conn != nil {
			n, err := conn.Read(b)
			if n > 0 || settled && err != nil {
				return n, err
			}
		}
		if err := p.accept(); err != nil {
			return 0, err
		}
	}
}

func (p *vsockPort) current() (conn *os.File, settled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conn, p.settled
}

// accept takes the next connection of the host's. Programs in the guest cannot be taken for it.
func (p *vsockPort) accept() error {
	for {
		if _, settled := p.current(); settled {
			return os.ErrClosed
		}
		fd, peer, err := unix.Accept4(p.listener, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		if err == unix.EINTR || err == unix.ECONNABORTED {
			continue
		}
		if err != nil {
			return os.NewSyscallError("accept", err)
		}
		if vm, is := peer.(*unix.SockaddrVM); !is || vm.CID != unix.VMADDR_CID_HOST {
			_ = unix.Close(fd)
			continue
		}
		p.replace(os.NewFile(uintptr(fd), "vsock"))
		return nil
	}
}

func (p *vsockPort) replace(conn *os.File) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn != nil {
		_ = p.conn.Close() // it ended
	}
	p.conn = conn
}

// settle makes the connection that there is the last.
func (p *vsockPort) settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.settled {
		_ = unix.Close(p.listener) // nobody accepts: the reader reads
	}
	p.settled = true
}

// Write implements io.Writer.
func (p *vsockPort) Write(b []byte) (int, error) {
	conn, _ := p.current()
	if conn == nil {
		return 0, os.ErrClosed
	}
	return conn.Write(b)
}

// Close implements io.Closer.
func (p *vsockPort) Close() error {
	p.settle()
	if conn, _ := p.current(); conn != nil {
		return conn.Close()
	}
	return nil
}
