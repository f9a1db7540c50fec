package agent

import (
	"context"
	"fmt"
	"net"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/replies"
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
	replies *replies.Table[agentproto.Message]
}

// NewControl reads until packets end; exited is told of commands that ended and must not block.
func NewControl(packets Packets, exited func(initproto.Exit)) *Control {
	ended := make(chan struct{})
	c := &Control{packets: packets, exited: exited, ended: ended, replies: replies.New[agentproto.Message](ended)}
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
	c.replies.Deliver(m.Seq, m)
}

// Call sends a request and waits for its reply. When ctx ends early the request is still
// carried out.
func (c *Control) Call(ctx context.Context, r *agentproto.Request) (agentproto.Message, error) {
	var reply <-chan agentproto.Message
	r.Seq, reply = c.replies.Expect()
	defer c.replies.Forget(r.Seq)
	if err := c.send(r); err != nil {
		return agentproto.Message{}, err
	}
	m, err := c.replies.Await(ctx, reply)
	if err != nil {
		return agentproto.Message{}, err
	}
	return m, m.Err()
}

// Post sends a request whose reply nobody waits for.
func (c *Control) Post(r *agentproto.Request) error {
	r.Seq = c.replies.Number()
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
