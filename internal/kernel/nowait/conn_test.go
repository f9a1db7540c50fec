package nowait

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// pair is two ends of a TCP connection.
func pair(t *testing.T) (ours *Conn, theirs net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept() // nil fails below
		accepted <- c
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if theirs = <-accepted; theirs == nil {
		t.Fatal("nothing was accepted")
	}
	t.Cleanup(func() { _ = c.Close(); _ = theirs.Close() })
	return Of(c), theirs
}

func TestConnWaitsForWhatComes(t *testing.T) {
	ours, theirs := pair(t)
	if ours.Raw() == nil {
		t.Fatal("a TCP connection is no socket")
	}
	go func() {
		time.Sleep(10 * time.Millisecond) // so that reading most likely waits; it is right if not
		_, _ = theirs.Write([]byte("late"))
		_ = theirs.Close()
	}()
	got, err := io.ReadAll(ours)
	if err != nil || string(got) != "late" {
		t.Errorf("%q, %v", got, err)
	}
}

// What is written is more than the socket holds, in pieces of both kinds.
func TestConnWaitsForRoom(t *testing.T) {
	ours, theirs := pair(t)
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<19) // 8 MiB
	done := make(chan error, 1)
	go func() {
		for rest := sent; len(rest) > 0; {
			n := min(len(rest), most+1)
			if len(rest)%2 == 0 {
				n = min(len(rest), most-1)
			}
			if _, err := ours.Write(rest[:n]); err != nil {
				done <- err
				return
			}
			rest = rest[n:]
		}
		done <- ours.Close()
	}()
	got, err := io.ReadAll(theirs)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes of %d, %v", len(got), len(sent), err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestConnHeedsDeadlineAndClose(t *testing.T) {
	ours, theirs := pair(t)
	if err := ours.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := ours.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v, want a deadline", err)
	}
	if err := ours.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { _, err := ours.Read(make([]byte, 1)); closed <- err }()
	_ = ours.Close()
	if err := <-closed; !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want %v", err, net.ErrClosed)
	}
	_ = theirs.Close()
	if _, err := ours.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want %v", err, net.ErrClosed)
	}
}

// A pipe in memory is read and written by its own methods.
func TestConnOfNoSocket(t *testing.T) {
	a, b := net.Pipe()
	ours := Of(a)
	go func() { _, _ = b.Write([]byte("x")); _ = b.Close() }()
	if got, err := io.ReadAll(ours); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
	if ours.Raw() != nil {
		t.Error("a pipe in memory is a socket")
	}
}
