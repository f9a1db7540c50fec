package initproto

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// ErrTooLarge is wrapped by what Encode says of a packet above MaxPacket: arguments
// and environment together are bounded by it.
var ErrTooLarge = errors.New("message is too large")

// ErrCut says that the kernel kept descriptors back (MSG_CTRUNC, recvmsg(2)).
var ErrCut = errors.New("descriptors were kept back: more than asked for, or this process has reached its limit (raise ulimit -n, LimitNOFILE in the unit)")

// Encode makes a packet of a Request or Message.
func Encode(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(raw) > MaxPacket {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(raw), MaxPacket)
	}
	return raw, nil
}

// DecodeMessage reads a packet of the init.
func DecodeMessage(raw []byte) (m Message, err error) {
	err = json.Unmarshal(raw, &m)
	return m, err
}

// Send writes v to the socket fd, which blocks, with descriptors that stay the caller's.
func Send(fd int, v any, fds ...int) error {
	raw, err := Encode(v)
	if err != nil {
		return err
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	return retry(func() error { return unix.Sendmsg(fd, raw, rights, nil, unix.MSG_NOSIGNAL) })
}

// Receive reads a request and the descriptors beside it from the socket fd, which
// blocks, by way of a buffer of MaxPacket bytes. They are closed on exec. The end of the
// socket is io.EOF.
func Receive(fd int, packet []byte) (r Request, fds []int, err error) {
	fds, err = ReceiveInto(fd, packet, MaxDescriptors, &r)
	return r, fds, err
}

// ReceiveInto is Receive for a document of any kind with at most so many descriptors.
func ReceiveInto(fd int, packet []byte, most int, document any) ([]int, error) {
	oob := make([]byte, unix.CmsgSpace(4*most))
	var n, oobn, flags int
	err := retry(func() (err error) {
		n, oobn, flags, _, err = unix.Recvmsg(fd, packet, oob, unix.MSG_CMSG_CLOEXEC)
		return err
	})
	if err != nil {
		return nil, err
	}
	fds, err := descriptors(oob[:oobn])
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, io.EOF
	}
	switch {
	case flags&unix.MSG_TRUNC != 0:
		return fds, ErrTooLarge
	case flags&unix.MSG_CTRUNC != 0:
		return fds, ErrCut
	}
	return fds, json.Unmarshal(packet[:n], document)
}

func descriptors(oob []byte) ([]int, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var all []int
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			return all, err
		}
		all = append(all, fds...)
	}
	return all, nil
}

func retry(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
