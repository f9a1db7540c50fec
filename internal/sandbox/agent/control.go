package agent

import (
	"context"
	"fmt"
	"net"
	"sync"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// Packets carry a conversation: whole packets of at most initproto.MaxPacket bytes, in order.
type Packets interface {
	Send(packet []byte) error
	// Receive returns a packet that stays as it is until the next call. One goroutine calls it.
	Receive() ([]byte, error)
}

// Control is the driver's end of the conversation with an agent. One goroutine reads it until
// its end.
type Control struct {
	packets Packets
	exited  func(initproto.Exit)
	ended   chan struct{} // closed when nothing more will be read

	mu      sync.Mutex // protects the fields below
	last    uint64     // sequence number
	waiting map[uint64]chan agentproto.Message
}

// NewControl reads until packets end; exited is told of commands that ended and must not block.
func NewControl(packets Packets, exited func(initproto.Exit)) *Control {
	c := &Control{packets: packets, exited: exited, ended: make(chan struct{}), waiting: make(map[uint64]chan agentproto.Message)}
	go c.read()
	return c
}

// Ended is closed when nothing more will be heard of the agent.
func (c *Control) Ended() <-chan struct{} { return c.ended }

func (c *Control) read() {
	defer close(c.ended)
	for {
		packet, err := c.packets.Receive()
		if err != nil {
			return
		}
		m, err := agentproto.DecodeMessage(packet)
		if err != nil {
			return // it is not our agent that speaks: no answer is the box's end
		}
		c.deliver(m)
	}
}

func (c *Control) deliver(m agentproto.Message) {
	if m.Exit != nil {
		c.exited(*m.Exit)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if reply := c.waiting[m.Seq]; reply != nil {
		delete(c.waiting, m.Seq)
		reply <- m
	}
}

// Call sends a request and waits for its reply. When ctx ends early the request is still
// carried out.
func (c *Control) Call(ctx context.Context, r *agentproto.Request) (agentproto.Message, error) {
	reply := make(chan agentproto.Message, 1)
	r.Seq = c.expect(reply)
	defer c.forget(r.Seq)
	if err := c.send(r); err != nil {
		return agentproto.Message{}, err
	}
	select {
	case m := <-reply:
		return m, m.Err()
	case <-ctx.Done():
		return agentproto.Message{}, context.Cause(ctx)
	case <-c.ended:
	}
	select {
	case m := <-reply: // it was the last that came
		return m, m.Err()
	default:
		return agentproto.Message{}, sandbox.ErrClosed
	}
}

// Post sends a request whose reply nobody waits for.
func (c *Control) Post(r *agentproto.Request) error {
	c.mu.Lock()
	c.last++
	r.Seq = c.last
	c.mu.Unlock()
	return c.send(r)
}

func (c *Control) send(r *agentproto.Request) error {
	packet, err := initproto.Encode(r)
	if err != nil {
		return err
	}
	if err := c.packets.Send(packet); err != nil {
		return fmt.Errorf("%w: asking the agent: %v", sandbox.ErrClosed, err)
	}
	return nil
}

func (c *Control) expect(reply chan agentproto.Message) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	c.waiting[c.last] = reply
	return c.last
}

func (c *Control) forget(seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, seq)
}

// socket is a Unix sequential-packet socket.
type socket struct {
	conn   *net.UnixConn
	packet []byte
}

// Socket makes Packets of a Unix sequential-packet socket.
func Socket(conn *net.UnixConn) Packets {
	return &socket{conn: conn, packet: make([]byte, initproto.MaxPacket)}
}

// Send implements Packets.
func (s *socket) Send(packet []byte) error {
	_, err := s.conn.Write(packet)
	return err
}

// Receive implements Packets.
func (s *socket) Receive() ([]byte, error) {
	n, _, flags, _, err := s.conn.ReadMsgUnix(s.packet, nil)
	switch {
	case err != nil:
		return nil, err
	case n == 0:
		return nil, net.ErrClosed
	case flags&unix.MSG_TRUNC != 0:
		return nil, initproto.ErrTooLarge
	}
	return s.packet[:n], nil
}
