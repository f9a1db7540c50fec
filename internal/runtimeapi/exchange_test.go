package runtimeapi

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// socketSession serves a session over what drivers open, and has its runtime ready.
func socketSession(t *testing.T) (*Session, net.Conn) {
	t.Helper()
	host, far, err := stream.ConnPair(unix.SOCK_STREAM)
	if err != nil {
		t.Fatal(err)
	}
	runtime, err := stream.Conn(far)
	if err != nil {
		t.Fatal(err)
	}
	s, served := NewSession(), make(chan struct{})
	go func() { defer close(served); _ = s.ServeFrames(host) }()
	t.Cleanup(func() { s.Close(errors.New("the test ended")); _ = runtime.Close(); <-served })
	send(t, runtime, frame(frameReady, 0, ""))
	<-s.Initialised()
	return s, runtime
}

// A runtime that ended, or sent something, while nobody listened gets no event: another
// life of it may have that.
func TestInvokeFindsWhatCameBefore(t *testing.T) {
	for name, misbehave := range map[string]func(net.Conn) error{
		"the stream ended":     net.Conn.Close,
		"an answer to nothing": func(c net.Conn) error { _, err := c.Write(frame(frameResponse, 0, "1")); return err },
	} {
		t.Run(name, func(t *testing.T) {
			s, runtime := socketSession(t)
			if err := misbehave(runtime); err != nil {
				t.Fatal(err)
			}
			sink := &lambda.Buffer{Cap: 10}
			got, err := s.Invoke(t.Context(), Event{Payload: []byte("{}")}, sink)
			if !errors.Is(err, ErrClosed) || !got.Delivered.IsZero() || len(sink.Bytes()) > 0 {
				t.Errorf("%+v, %v, answer %q", got, err, sink.Bytes())
			}
			if !errors.Is(s.Err(), ErrClosed) {
				t.Errorf("session: %v", s.Err())
			}
		})
	}
}

// What follows an answer is found by the next invocation; the answer stands.
func TestTwoAnswersToOneEvent(t *testing.T) {
	s, runtime := socketSession(t)
	sink := &lambda.Buffer{Cap: 10}
	got := invokeAsync(t.Context(), s, Event{}, sink)
	readInvoke(t, runtime)
	send(t, runtime, append(frame(frameResponse, 0, "1"), frame(frameResponse, 0, "2")...))
	if r := <-got; r.err != nil || string(sink.Bytes()) != "1" {
		t.Errorf("%+v, answer %q", r, sink.Bytes())
	}
	if got, err := s.Invoke(t.Context(), Event{}, &lambda.Buffer{}); !errors.Is(err, ErrClosed) || !got.Delivered.IsZero() {
		t.Errorf("the next: %+v, %v", got, err)
	}
}

// A runtime that takes nothing any more holds up the write of a large event; the timeout
// ends that too.
func TestInvokeGivesUpWriting(t *testing.T) {
	s, runtime := socketSession(t)
	why := errors.New("too slow")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, why)
	defer cancel()
	if _, err := s.Invoke(ctx, Event{Payload: make([]byte, lambda.MaxPayload)}, &lambda.Buffer{}); !errors.Is(err, why) {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, runtime); err != nil {
		t.Error(err)
	}
}
