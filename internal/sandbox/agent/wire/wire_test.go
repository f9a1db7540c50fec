package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// ends are two ends of a wire; streams that the guest opens come out of the channel.
func ends(t *testing.T) (host, guest *Conn, came chan *Stream) {
	t.Helper()
	a, b := net.Pipe()
	came = make(chan *Stream, 16)
	host = Host(a, func(_ uint64, s *Stream) { came <- s })
	guest = Guest(b)
	t.Cleanup(func() { _, _ = guest.Close(), host.Close() })
	return host, guest, came
}

func TestPacketsComeWholeAndInOrder(t *testing.T) {
	host, guest, _ := ends(t)
	for _, size := range []int{1, 100, MaxPacket} {
		want := bytes.Repeat([]byte{byte(size)}, size)
		if err := host.Send(want); err != nil {
			t.Fatal(err)
		}
		if got, err := guest.Receive(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes came, %v, want %d", len(got), err, size)
		}
	}
	for _, size := range []int{0, MaxPacket + 1} {
		if host.Send(make([]byte, size)) == nil {
			t.Errorf("a packet of %d bytes was sent", size)
		}
	}
	_ = host.Close()
	if _, err := guest.Receive(); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
}

// Many streams carry more than a window both ways at once, over one connection.
func TestStreamsCarryMuchAtOnce(t *testing.T) {
	_, guest, came := ends(t)
	want := bytes.Repeat([]byte("0123456789abcdef"), 5*Window/16)
	var all sync.WaitGroup
	for range 4 {
		inside, err := guest.Open(7)
		if err != nil {
			t.Fatal(err)
		}
		outside := <-came
		all.Go(func() { _, _ = io.Copy(inside, inside); _ = inside.CloseWrite() })
		all.Go(func() {
			if _, err := outside.Write(want); err != nil {
				t.Error(err)
			}
			_ = outside.CloseWrite()
		})
		all.Go(func() {
			if got, err := io.ReadAll(outside); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes came back, %v", len(got), err)
			}
			_, _ = outside.Close(), inside.Close()
		})
	}
	all.Wait()
}

func TestWriterWaitsForItsReader(t *testing.T) {
	_, guest, came := ends(t)
	inside, err := guest.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	outside := <-came
	_ = inside.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	n, err := inside.Write(make([]byte, 2*Window))
	if !errors.Is(err, os.ErrDeadlineExceeded) || n != Window {
		t.Errorf("wrote %d bytes, %v", n, err)
	}
	_ = outside.Close()
	_ = inside.SetWriteDeadline(time.Time{})
	if _, err := inside.Write(make([]byte, 1)); err == nil {
		t.Error("wrote to one that is gone")
	}
}

// A wire on which the guest breaks the rules ends, and everything on it.
func TestTheRulesAreKept(t *testing.T) {
	open := frame{openKind, 1, make([]byte, 8)}.append(nil)
	full := bytes.Repeat(frame{dataKind, 1, make([]byte, MaxData)}.append(nil), Window/MaxData)
	for name, said := range map[string][]byte{
		"no kind": {99, 0, 0, 0, 1, 0, 0, 0, 0}, "too long": {byte(dataKind), 0, 0, 0, 1, 0, 1, 0, 0},
		"stream 0": frame{endKind, 0, nil}.append(nil), "packet 1": frame{packetKind, 1, []byte{1}}.append(nil),
		"out of order": frame{openKind, 2, make([]byte, 8)}.append(nil), "twice": append(bytes.Clone(open), open...),
		"too much": append(append(bytes.Clone(open), full...), frame{dataKind, 1, []byte{1}}.append(nil)...),
		"credit":   append(bytes.Clone(open), frame{creditKind, 1, []byte{0, 0, 0, 1}}.append(nil)...),
		"after the end": append(append(bytes.Clone(open), frame{endKind, 1, nil}.append(nil)...),
			frame{dataKind, 1, []byte{1}}.append(nil)...),
	} {
		t.Run(name, func(t *testing.T) {
			a, b := net.Pipe()
			host := Host(a, func(uint64, *Stream) {})
			defer host.Close()
			_, _ = b.Write(said)
			if _, err := host.Receive(); err != io.EOF || !errors.Is(host.Err(), errProtocol) {
				t.Errorf("it goes on: %v, %v", err, host.Err())
			}
		})
	}
}

// A guest may say anything; a host neither panics nor keeps more than it allowed.
func FuzzHost(f *testing.F) {
	f.Add(frame{packetKind, 0, []byte("{}")}.append(nil))
	f.Add(frame{dataKind, 1, []byte("x")}.append(frame{openKind, 1, make([]byte, 8)}.append(nil)))
	f.Add(frame{goneKind, 1, nil}.append(frame{openKind, 1, make([]byte, 8)}.append(nil)))
	f.Fuzz(func(t *testing.T, said []byte) {
		a, b := net.Pipe()
		host := Host(a, func(_ uint64, s *Stream) { go func() { _, _ = io.Copy(io.Discard, s); _ = s.Close() }() })
		go func() { _, _ = io.Copy(io.Discard, b) }()
		go func() {
			for {
				if _, err := host.Receive(); err != nil {
					return
				}
			}
		}()
		_, _ = b.Write(said)
		_ = b.Close()
		_ = host.Close()
	})
}
