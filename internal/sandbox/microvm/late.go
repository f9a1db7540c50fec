package microvm

import (
	"io"
	"net"
	"os"
	"sync"
)

// latePort is a connection that is made later: who reads or writes it waits until then, or until
// it is closed.
type latePort struct {
	came   chan struct{} // closed when conn is there
	closed chan struct{}

	mu   sync.Mutex // protects the fields below
	conn net.Conn
	over bool
}

func newLatePort() *latePort {
	return &latePort{came: make(chan struct{}), closed: make(chan struct{})}
}

// connect takes the connection over. It is called once.
func (p *latePort) connect(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		_ = conn.Close() // nobody reads it any more
		return
	}
	p.conn = conn
	close(p.came)
}

func (p *latePort) await() (net.Conn, error) {
	select {
	case <-p.came:
		return p.conn, nil
	case <-p.closed:
		return nil, os.ErrClosed
	}
}

// Read implements io.Reader.
func (p *latePort) Read(b []byte) (int, error) {
	conn, err := p.await()
	if err != nil {
		return 0, io.EOF
	}
	return conn.Read(b)
}

// Write implements io.Writer.
func (p *latePort) Write(b []byte) (int, error) {
	conn, err := p.await()
	if err != nil {
		return 0, err
	}
	return conn.Write(b)
}

// Close implements io.Closer.
func (p *latePort) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return nil
	}
	p.over = true
	close(p.closed)
	if p.conn != nil {
		return p.conn.Close()
	}
	return nil
}
