package stream_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox/stream"
)

func channel(t *testing.T) (*stream.Channel, *os.File) {
	t.Helper()
	c, child, err := stream.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Close(), child.Close() })
	return c, child
}

// take receives a stream as a command does.
func take(t *testing.T, child *os.File) net.Conn {
	t.Helper()
	data, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	n, size, _, _, err := unix.Recvmsg(int(child.Fd()), data, rights, unix.MSG_CMSG_CLOEXEC)
	if err != nil || n != 1 {
		t.Fatalf("recvmsg: %d, %v", n, err)
	}
	messages, err := unix.ParseSocketControlMessage(rights[:size])
	if err != nil {
		t.Fatal(err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		t.Fatalf("rights: %v, %v", fds, err)
	}
	conn, err := stream.Conn(os.NewFile(uintptr(fds[0]), "stream"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestStreamsReachTheCommandInOrder(t *testing.T) {
	c, child := channel(t)
	for _, text := range []string{"first", "second"} {
		ours, err := c.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(ours, text); err != nil {
			t.Fatal(err)
		}
		_ = ours.Close()
	}
	for _, want := range []string{"first", "second"} {
		if got, err := io.ReadAll(take(t, child)); err != nil || string(got) != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}

// A command that takes no streams must not hold up who opens them for ever, nor may one
// caller's end be another's.
func TestOpenWaitsUntilItsContextEnds(t *testing.T) {
	c, child := channel(t)
	var opened []net.Conn
	t.Cleanup(func() {
		for _, conn := range opened {
			_ = conn.Close()
		}
	})
	left := errors.New("the caller left")
	for range 2000 { // more than the socket holds
		ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, left)
		conn, err := c.Open(ctx)
		cancel()
		if err == nil {
			opened = append(opened, conn)
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, left) || stream.Ended(err) {
			t.Errorf("Open = %v", err)
		}
		take(t, child)
		if conn, err = c.Open(t.Context()); err != nil { // there is room again, and no deadline
			t.Fatalf("Open after the other's end = %v", err)
		}
		opened = append(opened, conn)
		return
	}
	t.Error("the channel never filled")
}

func TestOpenAfterTheEnd(t *testing.T) {
	c, child := channel(t)
	_ = child.Close()
	if _, err := c.Open(t.Context()); !stream.Ended(err) {
		t.Errorf("Open without a reader = %v", err)
	}
	_ = c.Close()
	if _, err := c.Open(t.Context()); !stream.Ended(err) {
		t.Errorf("Open after Close = %v", err)
	}
}
