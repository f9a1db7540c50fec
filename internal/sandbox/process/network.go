package process

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
)

// Listen implements the method of sandbox.Sandbox: on a free port of the host's
// loopback, whatever addr asks for.
func (b *box) Listen(ctx context.Context, addr string) (net.Listener, error) {
	if err := b.checkOpen("listening in"); err != nil {
		return nil, err
	}
	if err := checkAddress(addr); err != nil {
		return nil, fmt.Errorf("listening in box %s: %w", b.id, err)
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening in box %s: %w", b.id, causeOr(ctx, err))
	}
	return b.own(l)
}

// checkAddress refuses what other drivers could not listen on.
func checkAddress(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("port of %q: %w", addr, err)
	}
	return nil
}

// own makes l end with the box.
func (b *box) own(l net.Listener) (net.Listener, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		_ = l.Close() // nobody has it
		return nil, b.closedErr("listening in")
	}
	owned := &listener{Listener: l, box: b}
	b.listeners = append(b.listeners, owned)
	return owned, nil
}

// listener is forgotten by its box when its user closes it.
type listener struct {
	net.Listener
	box *box
}

func (l *listener) Close() error {
	l.box.mu.Lock()
	l.box.listeners = slices.DeleteFunc(l.box.listeners, func(other net.Listener) bool { return other == l })
	l.box.mu.Unlock()
	return l.Listener.Close()
}

// Dial implements the method of sandbox.Sandbox.
func (b *box) Dial(ctx context.Context, addr string) (net.Conn, error) {
	if err := b.checkOpen("dialing into"); err != nil {
		return nil, err
	}
	ctx, free := b.within(ctx)
	defer free()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("dialing into box %s: %w", b.id, causeOr(ctx, err))
	}
	return conn, nil
}

func (b *box) checkOpen(doing string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return b.closedErr(doing)
	}
	return nil
}

// causeOr returns why ctx ended, or err when it did not.
func causeOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
