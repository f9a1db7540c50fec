package light

import (
	"context"
	"fmt"
	"net"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/replies"
)

// control is the driver's end of the conversation with an init. One goroutine reads
// it until its end.
type control struct {
	conn    *net.UnixConn
	exited  func(initproto.Exit)
	ended   chan struct{} // closed when nothing more will be read
	replies *replies.Table[initproto.Message]
}

func newControl(conn *net.UnixConn, exited func(initproto.Exit)) *control {
	ended := make(chan struct{})
	c := &control{conn: conn, exited: exited, ended: ended, replies: replies.New[initproto.Message](ended)}
	go c.read()
	return c
}

func (c *control) read() {
	defer close(c.ended)
	packet := make([]byte, initproto.MaxPacket)
	for {
		n, _, flags, _, err := c.conn.ReadMsgUnix(packet, nil)
		if err != nil || flags&unix.MSG_TRUNC != 0 {
			return
		}
		m, err := initproto.DecodeMessage(packet[:n])
		if err != nil {
			return // it is not our init that speaks: no answer is the box's end
		}
		c.deliver(m)
	}
}

func (c *control) deliver(m initproto.Message) {
	if m.Exit != nil {
		c.exited(*m.Exit)
		return
	}
	c.replies.Deliver(m.Seq, m)
}

// call sends a request with descriptors, which stay the caller's, and waits for its
// reply. When ctx ends early the request is still carried out.
func (c *control) call(ctx context.Context, r *initproto.Request, fds []int) error {
	return c.begin(r, fds)(ctx)
}

// begin is call whose waiting is done by what it returns, which must be called.
func (c *control) begin(r *initproto.Request, fds []int) (wait func(context.Context) error) {
	var reply <-chan initproto.Message
	r.Seq, reply = c.replies.Expect()
	sent := c.send(r, fds)
	return func(ctx context.Context) error {
		defer c.replies.Forget(r.Seq)
		if sent != nil {
			return sent
		}
		return c.await(ctx, reply)
	}
}

func (c *control) await(ctx context.Context, reply <-chan initproto.Message) error {
	m, err := c.replies.Await(ctx, reply)
	if err != nil {
		return err
	}
	return m.Err()
}

// post sends a request whose reply nobody waits for.
func (c *control) post(r *initproto.Request) error {
	r.Seq = c.replies.Number()
	return c.send(r, nil)
}

func (c *control) send(r *initproto.Request, fds []int) error {
	packet, err := initproto.Encode(r)
	if err != nil {
		return err
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	if _, _, err := c.conn.WriteMsgUnix(packet, rights, nil); err != nil {
		return fmt.Errorf("%w: asking the init: %v", sandbox.ErrClosed, err)
	}
	return nil
}

// close ends the conversation and waits for the reader.
func (c *control) close() {
	_ = c.conn.Close()
	<-c.ended
}
