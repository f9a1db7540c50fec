package gvisor

import (
	"context"
	"fmt"
	"net"
	"sync"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/gvisor/agentproto"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// control is the driver's end of the conversation with an agent. One goroutine reads it until
// its end.
type control struct {
	conn   *net.UnixConn
	exited func(initproto.Exit)
	ended  chan struct{} // closed when nothing more will be read

	mu      sync.Mutex // protects the fields below
	last    uint64     // sequence number
	waiting map[uint64]chan agentproto.Message
}

func newControl(conn *net.UnixConn, exited func(initproto.Exit)) *control {
	c := &control{conn: conn, exited: exited, ended: make(chan struct{}), waiting: make(map[uint64]chan agentproto.Message)}
	go c.read()
	return c
}

func (c *control) read() {
	defer close(c.ended)
	packet := make([]byte, initproto.MaxPacket)
	for {
		n, _, flags, _, err := c.conn.ReadMsgUnix(packet, nil)
		if err != nil || n == 0 || flags&unix.MSG_TRUNC != 0 {
			return
		}
		m, err := agentproto.DecodeMessage(packet[:n])
		if err != nil {
			return // it is not our agent that speaks: no answer is the box's end
		}
		c.deliver(m)
	}
}

func (c *control) deliver(m agentproto.Message) {
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

// call sends a request and waits for its reply. When ctx ends early the request is still
// carried out.
func (c *control) call(ctx context.Context, r *agentproto.Request) (agentproto.Message, error) {
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

// post sends a request whose reply nobody waits for.
func (c *control) post(r *agentproto.Request) error {
	c.mu.Lock()
	c.last++
	r.Seq = c.last
	c.mu.Unlock()
	return c.send(r)
}

func (c *control) send(r *agentproto.Request) error {
	packet, err := initproto.Encode(r)
	if err != nil {
		return err
	}
	if _, err := c.conn.Write(packet); err != nil {
		return fmt.Errorf("%w: asking the agent: %v", sandbox.ErrClosed, err)
	}
	return nil
}

func (c *control) expect(reply chan agentproto.Message) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	c.waiting[c.last] = reply
	return c.last
}

func (c *control) forget(seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, seq)
}
