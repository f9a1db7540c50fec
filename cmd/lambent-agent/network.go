package main

import (
	"errors"
	"io"
	"net"
	"time"

	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
)

// mostJoined bounds the connections that a listener has at once; more wait inside. Each takes
// two of the agent's descriptors, which are 1,024 as for every process here: a function that
// opens as many as it can must not keep the agent from what it needs itself.
const mostJoined = 160

// listen listens inside and returns the address. Each connection is joined with one to the
// host by a goroutine that ends with them.
func (b *box) listen(r *agentproto.Listen) (string, error) {
	l, err := net.Listen("tcp", r.Address)
	if err != nil {
		return "", err
	}
	b.mu.Lock()
	b.listeners[r.Ticket] = l
	b.mu.Unlock()
	go b.accept(l, r.Ticket)
	return l.Addr().String(), nil
}

// accept ends with the listener only: what fails otherwise, for want of descriptors for
// instance, passes.
func (b *box) accept(l net.Listener, ticket uint64) {
	places := make(chan struct{}, mostJoined)
	for {
		places <- struct{}{}
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			<-places
			time.Sleep(patience)
			continue
		}
		go func() {
			defer func() { <-places }()
			b.join(conn.(*net.TCPConn), ticket)
		}()
	}
}

func (b *box) unlisten(ticket uint64) error {
	b.mu.Lock()
	l := b.listeners[ticket]
	delete(b.listeners, ticket)
	b.mu.Unlock()
	if l == nil {
		return nil
	}
	return l.Close()
}

// dial connects inside; the connection to the host follows once that worked.
func (b *box) dial(r *agentproto.Dial) error {
	conn, err := net.Dial("tcp", r.Address)
	if err != nil {
		return err
	}
	go b.join(conn.(*net.TCPConn), r.Ticket)
	return nil
}

// join carries bytes between a connection inside and the host until both ways have ended.
func (b *box) join(inside *net.TCPConn, ticket uint64) {
	outside, err := b.world.connect(ticket)
	if err != nil {
		_ = inside.Close() // nobody else has it
		return
	}
	joinEnds(inside, outside)
}

// joinEnds closes both when both ways have ended.
func joinEnds(inside, outside end) {
	defer inside.Close()
	defer outside.Close()
	back := make(chan struct{})
	go func() {
		defer close(back)
		carry(inside, outside)
	}()
	carry(outside, inside)
	<-back
}

// end is one of the two that are joined.
type end interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// carry ends both ways when one cannot be written any more, and hands an end on as such.
func carry(to, from end) {
	if _, err := io.Copy(to, from); err != nil {
		_, _ = to.Close(), from.Close() // the other way sees it
		return
	}
	_ = to.CloseWrite() // the other end may be gone
}
