package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
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
	data, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(8))
	n, size, _, _, err := unix.Recvmsg(int(child.Fd()), data, rights, unix.MSG_CMSG_CLOEXEC)
	if err != nil || n != 1 {
		t.Fatalf("recvmsg: %d, %v", n, err)
	}
	messages, err := unix.ParseSocketControlMessage(rights[:size])
	if err != nil {
		t.Fatal(err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 2 {
		t.Fatalf("rights: %v, %v", fds, err)
	}
	conn, err := stream.Conn(os.NewFile(uintptr(fds[0]), "stream"))
	if err != nil {
		t.Fatal(err)
	}
	pipe := os.NewFile(uintptr(fds[1]), "pipe")
	t.Cleanup(func() { _, _ = conn.Close(), pipe.Close() })
	return end{conn, pipe}
}

// end is the command's end of a stream.
type end struct {
	net.Conn
	pipe *os.File
}

func (e end) Read(p []byte) (int, error) { return e.pipe.Read(p) }

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

// Both directions carry whatever is written, also more than either holds, at the same time.
func TestStreamsCarryBothWays(t *testing.T) {
	c, child := channel(t)
	ours, err := c.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	theirs := take(t, child)
	event, reply := bytes.Repeat([]byte("event"), 1<<20), bytes.Repeat([]byte("answer"), 1<<20)
	var both errgroup.Group
	both.Go(func() error { _, err := ours.Write(event); return errors.Join(err, ours.(*stream.Parted).CloseWrite()) })
	both.Go(func() error { _, err := theirs.Write(reply); return errors.Join(err, theirs.(end).Conn.Close()) })
	for name, of := range map[string]struct {
		reader io.Reader
		want   []byte
	}{"event": {theirs, event}, "answer": {ours, reply}} {
		both.Go(func() error {
			got, err := io.ReadAll(of.reader)
			if err == nil && !bytes.Equal(got, of.want) {
				err = fmt.Errorf("%s: %d bytes came, want %d", name, len(got), len(of.want))
			}
			return err
		})
	}
	if err := both.Wait(); err != nil {
		t.Error(err)
	}
}

// Who writes an event that nobody reads is let go when the stream is closed, or its time is up.
func TestWriterIsLetGo(t *testing.T) {
	c, _ := channel(t)
	for name, let := range map[string]func(net.Conn) error{
		"closed":         net.Conn.Close,
		"deadline":       func(s net.Conn) error { return s.SetDeadline(time.Unix(1, 0)) },
		"write deadline": func(s net.Conn) error { return s.SetWriteDeadline(time.Unix(1, 0)) },
	} {
		ours, err := c.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { _, err := ours.Write(make([]byte, 1<<20)); ended <- err }()
		time.Sleep(20 * time.Millisecond) // it waits by then, most likely
		if err := let(ours); err != nil {
			t.Error(name, err)
		}
		if err := <-ended; err == nil {
			t.Errorf("%s: all of it was written", name)
		}
		_ = ours.Close()
	}
}

// An event that is read wakes nobody at the host: the poller has nothing to tell of what is read.
func TestReadingWakesNobody(t *testing.T) {
	c, child := channel(t)
	ours, err := c.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs := take(t, child)
	poller, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(poller)
	for _, side := range []func() (syscall.RawConn, error){ours.(*stream.Parted).SyscallConn, ours.(*stream.Parted).SyscallWriter} {
		raw, err := side()
		if err != nil {
			t.Fatal(err)
		}
		watch := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLET}
		if err := raw.Control(func(fd uintptr) { err = unix.EpollCtl(poller, unix.EPOLL_CTL_ADD, int(fd), &watch) }); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	events := make([]unix.EpollEvent, 4)
	for { // that both can be written is told first
		if n, err := unix.EpollWait(poller, events, 0); err != nil || n == 0 {
			break
		}
	}
	if _, err := io.WriteString(ours, "event"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(theirs, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.EpollWait(poller, events, 20); n != 0 || err != nil {
		t.Errorf("%d events, %v: %+v", n, err, events[:max(n, 0)])
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
