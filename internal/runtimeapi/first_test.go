package runtimeapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/lambda"
)

// sockets is a connected pair, as drivers open them: what is sent waits in it.
func sockets(t *testing.T) (host, runtime net.Conn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]net.Conn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "socket")
		if ends[i], err = net.FileConn(f); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		t.Cleanup(func() { _ = ends[i].Close() })
	}
	return ends[0], ends[1]
}

// beginning is a session whose runtime has its first event on its stream.
type beginning struct {
	*First
	s       *Session
	runtime net.Conn
	sink    *lambda.Buffer
	ready   atomic.Int32
}

func begins(t *testing.T) *beginning {
	t.Helper()
	host, runtime := sockets(t)
	b := &beginning{s: NewSession(), runtime: runtime, sink: &lambda.Buffer{Cap: 100}}
	t.Cleanup(func() { b.s.Close(errors.New("the test ended")) })
	var err error
	b.First, err = b.s.NewFirst(host, Event{ID: "id-1", Timeout: 3 * time.Second, ARN: "arn", Payload: []byte(`{}`)}, b.sink, func() { b.ready.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
	b.sendsNothing(t)
	b.Send()
	return b
}

// sendsNothing holds that the runtime cannot print for its event before somebody looks for
// that: only Send gives it the event.
func (b *beginning) sendsNothing(t *testing.T) {
	t.Helper()
	_ = b.runtime.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
	if n, err := b.runtime.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("before Send the runtime has read %d bytes: %v", n, err)
	}
	_ = b.runtime.SetReadDeadline(time.Time{})
}

func (b *beginning) isReady(t *testing.T, want int32) {
	t.Helper()
	if got := b.ready.Load(); got != want {
		t.Errorf("ready was called %d times, want %d", got, want)
	}
}

// TestFirstEventWaitsOnTheStream: the runtime finds it before it has said anything, and may say
// that it is ready and answer with one write.
func TestFirstEventWaitsOnTheStream(t *testing.T) {
	b := begins(t)
	checkInvoke(t, b.runtime, `{"id":"id-1","timeoutMs":3000,"arn":"arn"}`, `{}`)
	begun, ready := frame(frameBegun, 0, ""), frame(frameReady, 0, "\x00\x00\x00\x07")
	send(t, b.runtime, append(append(begun, ready...), frame(frameResponse, 0, `"yes"`)...))
	if err := b.Initialise(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.isReady(t, 1)
	if took := b.s.InitTook(); took != 7*time.Microsecond {
		t.Errorf("the initialisation took %v", took)
	}
	if err := b.Deliver(); err != nil {
		t.Fatal(err)
	}
	if !b.Answers(time.Minute) {
		t.Error("it has answered")
	}
	o, err := b.Answer(t.Context())
	if err != nil || o.Error != nil || o.Delivered.IsZero() || o.FirstByte.Before(o.Delivered) || string(b.sink.Bytes()) != `"yes"` {
		t.Errorf("%+v, %v: %s", o, err, b.sink.Bytes())
	}
	second := invokeAsync(t.Context(), b.s, Event{ID: "id-2"}, &lambda.Buffer{Cap: 100})
	readInvoke(t, b.runtime)
	send(t, b.runtime, frame(frameResponse, 0, `2`))
	if r := <-second; r.err != nil {
		t.Errorf("the second: %v", r.err)
	}
	b.isReady(t, 1)
}

// TestFirstSeesTheEndOfTheInitialisation: who asks before a line is written learns it from
// Ready, before that is taken, and only from that.
func TestFirstSeesTheEndOfTheInitialisation(t *testing.T) {
	b := begins(t)
	b.Seen()
	b.isReady(t, 0)
	send(t, b.runtime, frame(frameBegun, 0, ""))
	b.Seen()
	b.isReady(t, 0)
	send(t, b.runtime, frame(frameReady, 0, ""))
	b.Seen()
	b.isReady(t, 1)
	b.Seen()
	if err := b.Initialise(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.isReady(t, 1)
	if b.Answers(time.Millisecond) {
		t.Error("it has not answered")
	}
}

func TestFirstInitError(t *testing.T) {
	b := begins(t)
	send(t, b.runtime, frame(frameInitError, 0, `{"errorType":"Bad","errorMessage":"no"}`))
	b.Seen()
	if err := b.Initialise(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := b.s.InitError(); e == nil || e.Type != "Bad" {
		t.Errorf("%+v", e)
	}
	b.isReady(t, 0)
	if err := b.Deliver(); !errors.Is(err, ErrNotReady) {
		t.Errorf("Deliver = %v", err)
	}
}

// TestFirstInitialiseEnds with the context, with the stream and with what is no frame of an
// initialisation.
func TestFirstInitialiseEnds(t *testing.T) {
	b := begins(t)
	late := errors.New("late")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Millisecond, late)
	defer cancel()
	if err := b.Initialise(ctx); !errors.Is(err, late) || b.s.Err() != nil {
		t.Errorf("late: %v, session %v", err, b.s.Err())
	}
	b = begins(t)
	_ = b.runtime.Close()
	if err := b.Initialise(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("the stream ended: %v", err)
	}
	b = begins(t)
	send(t, b.runtime, frame(frameResponse, 0, `"early"`))
	if err := b.Initialise(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("an answer before Ready: %v", err)
	}
	b.isReady(t, 0)
}

// TestFirstAnswerEnds with the function's time and with the stream.
func TestFirstAnswerEnds(t *testing.T) {
	for name, end := range map[string]func(b *beginning) error{
		"time": func(b *beginning) error {
			ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Millisecond, io.ErrNoProgress)
			defer cancel()
			_, err := b.Answer(ctx)
			return err
		},
		"stream": func(b *beginning) error {
			_ = b.runtime.Close()
			o, err := b.Answer(t.Context())
			if o.Delivered.IsZero() || !errors.Is(err, ErrClosed) {
				t.Errorf("%+v, %v", o, err)
			}
			return io.ErrNoProgress
		},
	} {
		b := begins(t)
		send(t, b.runtime, frame(frameReady, 0, ""))
		if err := errors.Join(b.Initialise(t.Context()), b.Deliver()); err != nil {
			t.Fatal(err)
		}
		if err := end(b); !errors.Is(err, io.ErrNoProgress) || b.s.Err() == nil {
			t.Errorf("%s: %v, session %v", name, err, b.s.Err())
		}
	}
}

// TestFirstRefuses what it could not do without waiting, and leaves the stream to others.
func TestFirstRefuses(t *testing.T) {
	pipe, other := net.Pipe()
	defer func() { _, _ = pipe.Close(), other.Close() }()
	socket, _ := sockets(t)
	long, err := json.Marshal(string(make([]byte, maxAhead)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		conn    net.Conn
		payload []byte
	}{{pipe, nil}, {socket, long}} {
		if _, err := NewSession().NewFirst(c.conn, Event{Payload: c.payload}, &lambda.Buffer{}, func() {}); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%T with %d bytes: %v", c.conn, len(c.payload), err)
		}
	}
}
