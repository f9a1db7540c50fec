package gvisor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func openTestDoor(t *testing.T) *door {
	t.Helper()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30)) // longer than a socket's path may be
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := openDoor(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	return d
}

// knock connects as an agent does, and says something.
func knock(t *testing.T, d *door, said ...byte) net.Conn {
	t.Helper()
	f, err := os.Open(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	conn, err := net.Dial("unix", fmt.Sprintf("/proc/self/fd/%d/socket", f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, _ = conn.Write(said) // the door may have closed it
	return conn
}

func TestDoorGivesAConnectionToItsTicket(t *testing.T) {
	d := openTestDoor(t)
	one, other := d.ExpectOne(), d.ExpectOne()
	defer one.End()
	defer other.End()
	knock(t, d, append(binary.BigEndian.AppendUint64(nil, other.Ticket), "other"...)...)
	conn, err := other.Take(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	text := make([]byte, 5)
	if _, err := io.ReadFull(conn, text); err != nil || string(text) != "other" {
		t.Errorf("%q, %v", text, err)
	}
	late, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := one.Take(late, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the other ticket got a connection, too: %v", err)
	}
}

// Connections without a ticket, or with one that is over, are closed.
func TestDoorClosesWhomNobodyExpects(t *testing.T) {
	d := openTestDoor(t)
	over := d.ExpectOne()
	over.End()
	for name, ticket := range map[string]uint64{"unknown": 99, "over": over.Ticket} {
		conn := knock(t, d, binary.BigEndian.AppendUint64(nil, ticket)...)
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A crowd that says nothing does not keep the agent out, nor the door from closing.
func TestDoorBoundsTheSilent(t *testing.T) {
	d := openTestDoor(t)
	var silent []net.Conn
	for range 2 * ticketCrowd {
		silent = append(silent, knock(t, d))
	}
	for _, conn := range silent {
		_ = conn.Close()
	}
	v := d.ExpectOne()
	defer v.End()
	for end := time.Now().Add(5 * time.Second); ; {
		knock(t, d, binary.BigEndian.AppendUint64(nil, v.Ticket)...)
		soon, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		conn, err := v.Take(soon, nil)
		cancel()
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestPipeIsOpenUntilItsWriterIs(t *testing.T) {
	p, err := openTestDoor(t).pipe("1.out")
	if err != nil {
		t.Fatal(err)
	}
	writer, err := os.OpenFile(p.path, os.O_WRONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = p.writer.Close()
	_, _ = writer.WriteString("said")
	_ = writer.Close()
	text, err := io.ReadAll(p.reader)
	if err != nil || string(text) != "said" {
		t.Errorf("%q, %v", text, err)
	}
	p.close()
	if _, err := os.Stat(p.path); err == nil {
		t.Error("its name is there after close")
	}
}
