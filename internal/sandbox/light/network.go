package light

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"lambent.dev/lambent/internal/kernel/netns"
)

// listener is a socket inside the box; it is closed with it at the latest.
type listener struct {
	net.Listener
	box *box
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.box.mu.Lock()
	delete(l.box.listeners, l)
	l.box.mu.Unlock()
	return l.Listener.Close()
}

// Listen implements sandbox.Sandbox.
func (b *box) Listen(ctx context.Context, addr string) (net.Listener, error) {
	l := &listener{box: b}
	if b.network == nil {
		addr = freePort(addr)
	}
	err := b.inside(ctx, addr, func() (err error) {
		l.Listener, err = new(net.ListenConfig).Listen(ctx, "tcp", addr)
		return err
	})
	if err != nil {
		return nil, b.explain(ctx, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.aliveLocked(); err != nil {
		return nil, errors.Join(err, l.Listener.Close())
	}
	b.listeners[l] = struct{}{}
	return l, nil
}

// Dial implements sandbox.Sandbox.
func (b *box) Dial(ctx context.Context, addr string) (conn net.Conn, err error) {
	err = b.inside(ctx, addr, func() (err error) {
		conn, err = new(net.Dialer).DialContext(ctx, "tcp", addr)
		return err
	})
	if err != nil {
		return nil, b.explain(ctx, err)
	}
	return conn, nil
}

// inside runs f on a thread in the box's network. The address must be a number: a
// name would be looked up with the host's resolver, on other threads.
func (b *box) inside(ctx context.Context, addr string, f func() error) error {
	if _, err := netip.ParseAddrPort(addr); err != nil {
		return fmt.Errorf("address %q: want a numeric address and a port", addr)
	}
	if err := errors.Join(b.alive(), context.Cause(ctx)); err != nil {
		return err
	}
	if b.network == nil {
		return f()
	}
	return netns.Do(b.network, f)
}
