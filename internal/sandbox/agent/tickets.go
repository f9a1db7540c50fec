package agent

import (
	"context"
	"net"
	"sync"

	"lambent.dev/lambent/internal/sandbox"
)

// Tickets say what connections are for that an agent makes to the host. One that shows no
// ticket that is expected is closed.
type Tickets struct {
	mu      sync.Mutex // protects the fields below
	last    uint64
	expects map[uint64]func(net.Conn) // must not block; takes the connection over
}

// Hand gives a connection to whom expects it. After Forget that is nobody.
func (t *Tickets) Hand(conn net.Conn, ticket uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	take := t.expects[ticket]
	if take != nil {
		take(conn)
	}
	return take != nil
}

// Expect makes a ticket with which take is called, until Forget.
func (t *Tickets) Expect(take func(net.Conn)) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.expects == nil {
		t.expects = make(map[uint64]func(net.Conn))
	}
	t.last++
	t.expects[t.last] = take
	return t.last
}

// Forget ends an expectation.
func (t *Tickets) Forget(ticket uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.expects, ticket)
}

// Close ends all expectations.
func (t *Tickets) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.expects)
}

// Visit is one connection that is expected.
type Visit struct {
	Ticket  uint64
	tickets *Tickets
	came    chan net.Conn // holds one
}

// ExpectOne makes a ticket that is good once.
func (t *Tickets) ExpectOne() *Visit {
	v := &Visit{tickets: t, came: make(chan net.Conn, 1)}
	v.Ticket = t.Expect(func(conn net.Conn) {
		select {
		case v.came <- conn:
		default:
			_ = conn.Close() // a ticket is good once
		}
	})
	return v
}

// Take waits for the connection, until ctx ends or ended is closed.
func (v *Visit) Take(ctx context.Context, ended <-chan struct{}) (net.Conn, error) {
	select {
	case conn := <-v.came:
		return conn, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-ended:
		return nil, sandbox.ErrClosed
	}
}

// End ends the expectation and closes a connection that nobody took.
func (v *Visit) End() {
	v.tickets.Forget(v.Ticket)
	select {
	case conn := <-v.came:
		_ = conn.Close()
	default:
	}
}
