package zygote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is the driver's end of the conversation. Send from many goroutines, receive from
// one.
type Conn struct {
	socket *net.UnixConn
	packet []byte // of Receive
}

// NewConn takes a connected socket over.
func NewConn(socket *net.UnixConn) *Conn { return &Conn{socket, make([]byte, maxPacket)} }

// Setup tells the zygote what it has to know and waits until it is ready, at most until
// ctx ends.
func (c *Conn) Setup(ctx context.Context, s Setup) error {
	if err := c.send(s, nil); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.socket.SetReadDeadline(time.Unix(1, 0)) })
	_, err := c.Receive()
	if !stop() || ctx.Err() != nil {
		return fmt.Errorf("waiting for the zygote: %w", context.Cause(ctx))
	}
	return err
}

// Fork asks for a child, which rehearses or not before it waits. The descriptors stay the
// caller's. It waits for nothing but room in the socket.
func (c *Conn) Fork(id uint64, rehearse bool, init, output, stream, start int, doors []int) error {
	return c.send(fork{id, rehearse}, append([]int{init, output, stream, start}, doors...))
}

// Signal asks to signal a child. One that has ended is left alone.
func (c *Conn) Signal(id uint64, number int) error { return c.send(signal{id, number}, nil) }

func (c *Conn) send(v any, fds []int) error {
	packet, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(packet) > maxPacket {
		return fmt.Errorf("asking the zygote: a packet of %d bytes, at most %d", len(packet), maxPacket)
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	if _, _, err := c.socket.WriteMsgUnix(packet, rights, nil); err != nil {
		return fmt.Errorf("asking the zygote: %w", err)
	}
	return nil
}

var errEnded = errors.New("the zygote ended")

// Receive waits for the end of a child. An error is the end of the conversation.
func (c *Conn) Receive() (Ended, error) {
	n, _, flags, _, err := c.socket.ReadMsgUnix(c.packet, nil)
	switch {
	case err != nil:
		return Ended{}, fmt.Errorf("hearing the zygote: %w", err)
	case n == 0:
		return Ended{}, errEnded
	case flags&unix.MSG_TRUNC != 0:
		return Ended{}, errors.New("hearing the zygote: a packet is too large")
	}
	return decode(c.packet[:n])
}

func decode(packet []byte) (e Ended, err error) {
	if err := json.Unmarshal(packet, &e); err != nil {
		return Ended{}, fmt.Errorf("hearing the zygote: %w", err)
	}
	return e, nil
}

// Close ends the conversation, and with it the zygote.
func (c *Conn) Close() error { return c.socket.Close() }
