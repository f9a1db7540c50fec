package light

import (
	"context"
	"fmt"
	"net"
	"sync"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// control is the driver's end of the conversation with an init. One goroutine reads
// it until its end.
type control struct {
	conn   *net.UnixConn
	exited func(initproto.Exit)
	ended  chan struct{} // closed when nothing more will be read

	mu      sync.Mutex // protects the fields below
	last    uint64     // sequence number
	waiting map[uint64]chan initproto.Message
}

func newControl(conn *net.UnixConn, exited func(initproto.Exit)) *control {
	c := &control{conn: conn, exited: exited, ended: make(chan struct{}), waiting: make(map[uint64]chan initproto.Message)}
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
	c.mu.Lock()
	defer c.mu.Unlock()
	if reply := c.waiting[m.Seq]; reply != nil {
		delete(c.waiting, m.Seq)
		reply <- m
	}
}

// call sends a request with descriptors, which stay the caller's, and waits for its
// reply. When ctx ends early the request is still carried out.
func (c *control) call(ctx context.Context, r *initproto.Request, fds []int) error {
	return c.begin(ctx, r, fds)()
}

// begin is call whose waiting is done by what it returns, which must be called.
func (c *control) begin(ctx context.Context, r *initproto.Request, fds []int) (wait func() error) {
	reply := make(chan initproto.Message, 1)
	r.Seq = c.expect(reply)
	sent := c.send(r, fds)
	return func() error {
		defer c.forget(r.Seq)
		if sent != nil {
			return sent
		}
		return c.await(ctx, reply)
	}
}

func (c *control) await(ctx context.Context, reply chan initproto.Message) error {
	select {
	case m := <-reply:
		return m.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.ended:
	}
	select {
	case m := <-reply: // it was the last that came
		return m.Err()
	default:
		return sandbox.ErrClosed
	}
}

// post sends a request whose reply nobody waits for.
func (c *control) post(r *initproto.Request) error {
	c.mu.Lock()
	c.last++
	r.Seq = c.last
	c.mu.Unlock()
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

func (c *control) expect(reply chan initproto.Message) uint64 {
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

// close ends the conversation and waits for the reader.
func (c *control) close() {
	_ = c.conn.Close()
	<-c.ended
}
