package zygote

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is the driver's end of the conversation. Send from many goroutines, receive from
// one.
type Conn struct {
	socket *net.UnixConn
	wake   *os.File
	packet []byte // of Receive
}

// NewConn takes a connected socket over. theirs is the zygote's WakeFD, the caller's to close.
func NewConn(socket *net.UnixConn) (c *Conn, theirs *os.File, err error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, nil, os.NewSyscallError("eventfd", err)
	}
	wake := os.NewFile(uintptr(fd), "wake")
	other, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, nil, errors.Join(os.NewSyscallError("fcntl", err), wake.Close())
	}
	return &Conn{socket, wake, make([]byte, maxPacket)}, os.NewFile(uintptr(other), "wake"), nil
}

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
	if _, err := c.wake.Write(one); err != nil {
		return fmt.Errorf("waking the zygote: %w", err)
	}
	return nil
}

// one is what an eventfd takes (eventfd(2)).
var one = binary.NativeEndian.AppendUint64(nil, 1)

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
func (c *Conn) Close() error { return errors.Join(c.socket.Close(), c.wake.Close()) }
