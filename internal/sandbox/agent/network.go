package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
)

const (
	// backlog is how many connections wait for Accept; what comes above it is closed.
	backlog = 128
	// unlistenLimit bounds how long Close of a listener waits for the agent.
	unlistenLimit = 5 * time.Second
)

// listener is where connections arrive that the agent accepted inside; it ends with the box at
// the latest.
type listener struct {
	box     *Box
	ticket  uint64
	address net.Addr
	queue   chan net.Conn
	over    chan struct{}
	once    sync.Once
}

// Listen implements sandbox.Sandbox.
func (b *Box) Listen(ctx context.Context, addr string) (net.Listener, error) {
	if err := b.reachable(ctx, addr); err != nil {
		return nil, err
	}
	l := &listener{box: b, queue: make(chan net.Conn, backlog), over: make(chan struct{})}
	l.ticket = b.Tickets.Expect(l.arrived)
	m, err := b.Control.Call(ctx, &agentproto.Request{Listen: &agentproto.Listen{Ticket: l.ticket, Address: addr}})
	if err == nil {
		err = l.named(m.Address)
	}
	if err != nil {
		b.Tickets.Forget(l.ticket)
		if ctx.Err() != nil { // the agent may listen all the same
			_ = b.Control.Post(&agentproto.Request{Unlisten: &agentproto.Unlisten{Ticket: l.ticket}})
		}
		return nil, b.Explain(ctx, fmt.Errorf("listening on %s: %w", addr, err))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.aliveLocked(); err != nil {
		l.end()
		return nil, err
	}
	if b.listeners == nil {
		b.listeners = make(map[*listener]struct{})
	}
	b.listeners[l] = struct{}{}
	return l, nil
}

// reachable says whether the box can be asked about an address.
func (b *Box) reachable(ctx context.Context, addr string) error {
	if _, err := netip.ParseAddrPort(addr); err != nil {
		return fmt.Errorf("address %q: want a numeric address and a port", addr)
	}
	return errors.Join(b.Alive(), context.Cause(ctx))
}

func (l *listener) named(address string) error {
	a, err := netip.ParseAddrPort(address)
	l.address = net.TCPAddrFromAddrPort(a)
	return err
}

func (l *listener) arrived(conn net.Conn) {
	select {
	case l.queue <- conn:
	default:
		_ = conn.Close() // nobody accepts
	}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.over:
		return nil, net.ErrClosed
	default:
	}
	select {
	case conn := <-l.queue:
		return conn, nil
	case <-l.over:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.address }

// Close implements net.Listener. The address is free again when it returns.
func (l *listener) Close() error {
	l.box.mu.Lock()
	_, open := l.box.listeners[l]
	delete(l.box.listeners, l)
	l.box.mu.Unlock()
	l.end()
	if !open {
		return net.ErrClosed
	}
	limit, stop := cleanup.Context(context.Background(), unlistenLimit)
	defer stop()
	_, err := l.box.Control.Call(limit, &agentproto.Request{Unlisten: &agentproto.Unlisten{Ticket: l.ticket}})
	if l.box.Alive() != nil {
		return nil // it ended with the box
	}
	return err
}

// end closes what nobody accepted, once.
func (l *listener) end() {
	l.once.Do(func() {
		close(l.over)
		l.box.Tickets.Forget(l.ticket)
		for {
			select {
			case conn := <-l.queue:
				_ = conn.Close()
			default:
				return
			}
		}
	})
}

// Dial implements sandbox.Sandbox.
func (b *Box) Dial(ctx context.Context, addr string) (net.Conn, error) {
	if err := b.reachable(ctx, addr); err != nil {
		return nil, err
	}
	v := b.Tickets.ExpectOne()
	defer v.End()
	if _, err := b.Control.Call(ctx, &agentproto.Request{Dial: &agentproto.Dial{Ticket: v.Ticket, Address: addr}}); err != nil {
		return nil, b.Explain(ctx, fmt.Errorf("dialing %s: %w", addr, err))
	}
	conn, err := v.Take(ctx, b.Control.ended)
	if err != nil {
		return nil, b.Explain(ctx, fmt.Errorf("dialing %s: %w", addr, err))
	}
	return conn, nil
}
