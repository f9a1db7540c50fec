package fake

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"

	"lambent.dev/lambent/internal/sandbox"
)

// listener is a TCP listener in memory.
type listener struct {
	addr    addr
	pending chan net.Conn
	done    chan struct{}
	once    sync.Once
	remove  func()
}

// addr is the address of a listener in memory.
type addr string

// Network implements net.Addr.
func (addr) Network() string { return "tcp" }

// String implements net.Addr.
func (a addr) String() string { return string(a) }

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.pending:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.addr }

// Close implements net.Listener.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.done); l.remove() })
	return nil
}

// dial hands one end of a new pipe to the listener.
func (l *listener) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.pending <- far:
		return near, nil
	case <-l.done:
		return nil, fmt.Errorf("dial %s: %w", l.addr, syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Listen implements sandbox.Sandbox.
func (b *Sandbox) Listen(ctx context.Context, address string) (net.Listener, error) {
	if err := b.enter(ctx, Listen); err != nil {
		return nil, fmt.Errorf("listening in %s: %w", b.ID, err)
	}
	return b.listen(b.outer, address)
}

// Dial implements sandbox.Sandbox.
func (b *Sandbox) Dial(ctx context.Context, address string) (net.Conn, error) {
	if err := b.gone(); err != nil {
		return nil, fmt.Errorf("dialing into %s: %w", b.ID, err)
	}
	return b.connect(ctx, address, b.inner)
}

func (b *Sandbox) listen(set map[string]*listener, address string) (net.Listener, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return nil, b.goneLocked()
	}
	if b.outer[address] != nil || b.inner[address] != nil {
		return nil, fmt.Errorf("listening on %s in %s: %w", address, b.ID, syscall.EADDRINUSE)
	}
	l := &listener{addr: addr(address), pending: make(chan net.Conn), done: make(chan struct{})}
	l.remove = func() { b.unlisten(set, address) }
	set[address] = l
	b.driver.update(func(c *Count) { c.Listeners++ })
	return l, nil
}

func (b *Sandbox) unlisten(set map[string]*listener, address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(set, address)
	b.driver.update(func(c *Count) { c.Listeners-- })
}

// connect dials the first of the sets that has the address.
func (b *Sandbox) connect(ctx context.Context, address string, sets ...map[string]*listener) (net.Conn, error) {
	l := b.find(address, sets)
	if l == nil {
		return nil, fmt.Errorf("dial %s in %s: %w", address, b.ID, syscall.ECONNREFUSED)
	}
	return l.dial(ctx)
}

func (b *Sandbox) find(address string, sets []map[string]*listener) *listener {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, set := range sets {
		if l := set[address]; l != nil {
			return l
		}
	}
	return nil
}

// Listen lets a program inside the box listen.
func (p *Proc) Listen(address string) (net.Listener, error) {
	return p.box.listen(p.box.inner, address)
}

// Dial lets a program inside the box connect to what listens there.
func (p *Proc) Dial(ctx context.Context, address string) (net.Conn, error) {
	if err := p.box.gone(); err != nil {
		return nil, fmt.Errorf("%w: %w", err, sandbox.ErrClosed)
	}
	c, err := p.box.connect(ctx, address, p.box.outer, p.box.inner)
	if err != nil {
		return nil, err
	}
	return p.process.own(c)
}

// DialContext is Dial in the form of net.Dialer.
func (p *Proc) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	return p.Dial(ctx, address)
}
