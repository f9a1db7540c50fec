package runtimeapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
)

func frame(kind, flags byte, payload string) []byte {
	b := make([]byte, 8, 8+len(payload))
	b[0], b[1] = kind, flags
	binary.BigEndian.PutUint32(b[4:], uint32(len(payload)))
	return append(b, payload...)
}

// framedSession serves a session over a pipe, whose other end is the runtime's.
func framedSession(t *testing.T) (*Session, net.Conn, <-chan error) {
	t.Helper()
	host, runtime := net.Pipe()
	s := NewSession()
	served := make(chan error, 1)
	go func() { served <- s.ServeFrames(host) }()
	t.Cleanup(func() { s.Close(errors.New("the test ended")); _ = runtime.Close() })
	return s, runtime, served
}

func send(t *testing.T, c net.Conn, frames ...[]byte) {
	t.Helper()
	for _, f := range frames {
		if _, err := c.Write(f); err != nil {
			t.Fatal(err)
		}
	}
}

type result struct {
	outcome Outcome
	err     error
}

func invokeAsync(ctx context.Context, s *Session, e Event, sink lambda.Sink) <-chan result {
	got := make(chan result, 1)
	go func() {
		o, err := s.Invoke(ctx, e, sink)
		got <- result{o, err}
	}()
	return got
}

func TestFramesConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, _ := framedSession(t)
		if _, err := s.Invoke(t.Context(), Event{}, &lambda.Buffer{}); !errors.Is(err, ErrNotReady) {
			t.Errorf("invoke before ready: %v", err)
		}
		send(t, c, frame(frameBegun, 0, ""))
		<-s.Begun()
		send(t, c, frame(frameReady, 0, ""))
		<-s.Initialised()
		if e := s.InitError(); e != nil {
			t.Errorf("init error %v", e)
		}
		sink := &lambda.Buffer{Cap: 100}
		e := Event{ID: "id-1", Deadline: time.UnixMilli(1234), ARN: "arn", TraceID: "root", ClientContext: []byte(`{"a":1}`), TenantID: "blue", Payload: []byte(`{"event":true}`)}
		got := invokeAsync(t.Context(), s, e, sink)
		checkInvoke(t, c, `{"id":"id-1","deadlineMs":1234,"arn":"arn","traceId":"root","clientContext":{"a":1},"tenantId":"blue"}`, `{"event":true}`)
		send(t, c, frame(frameResponse, flagMore, "one "))
		time.Sleep(time.Second)
		send(t, c, frame(frameResponse, 0, "two"))
		r := <-got
		if r.err != nil || r.outcome.Error != nil || string(sink.Bytes()) != "one two" || r.outcome.Bytes != 7 {
			t.Errorf("%+v, %q", r, sink.Bytes())
		}
		if !r.outcome.FirstByte.Equal(r.outcome.Delivered) {
			t.Errorf("first byte %v after %v", r.outcome.FirstByte, r.outcome.Delivered)
		}
		got = invokeAsync(t.Context(), s, Event{ID: "id-2", ClientContext: []byte("no JSON")}, &lambda.Buffer{})
		checkInvoke(t, c, `{"id":"id-2","deadlineMs":-62135596800000,"arn":"","clientContext":"no JSON"}`, ``)
		send(t, c, frame(frameError, 0, `{"errorType":"ValueError","errorMessage":"no"}`))
		r = <-got
		want := &lambda.FunctionError{Type: "ValueError", Payload: []byte(`{"errorType":"ValueError","errorMessage":"no"}`)}
		if diff := cmp.Diff(want, r.outcome.Error); diff != "" || r.err != nil {
			t.Errorf("%v %s", r.err, diff)
		}
	})
}

func checkInvoke(t *testing.T, c net.Conn, wantMeta, wantEvent string) {
	t.Helper()
	head := make([]byte, 12)
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint32(head[4:])-4)
	if _, err := io.ReadFull(c, body); err != nil {
		t.Fatal(err)
	}
	n := binary.BigEndian.Uint32(head[8:])
	if string(head[:4]) != "\x01\x00\x00\x00" || string(body[:n]) != wantMeta || string(body[n:]) != wantEvent {
		t.Errorf("invoke frame % x %s | %s", head, body[:n], body[n:])
	}
}

func TestFramesInitError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, _ := framedSession(t)
		send(t, c, frame(frameBegun, 0, ""), frame(frameInitError, 0, `{"errorType":"Runtime.HandlerNotFound"}`))
		<-s.Initialised()
		if e := s.InitError(); e == nil || e.Type != "Runtime.HandlerNotFound" {
			t.Errorf("init error %v", e)
		}
		if _, err := s.Invoke(t.Context(), Event{}, &lambda.Buffer{}); !errors.Is(err, ErrNotReady) {
			t.Errorf("invoke: %v", err)
		}
	})
}

// What breaks the protocol ends the session, with a reason.
func TestFramesProtocolErrors(t *testing.T) {
	ready := string(frame(frameReady, 0, ""))
	tests := map[string]string{
		"unknown type":          string(frame(0x7f, 0, "")),
		"flag on an error":      string(frame(frameError, flagMore, "")),
		"last on a response":    string(frame(frameResponse, flagLast, "")),
		"both flags":            string(frame(frameError, flagLast|flagMore, "")),
		"unknown flag":          string(frame(frameResponse, 4, "")),
		"a slot too many":       "\x81\x00\x01\x00\x00\x00\x00\x00",
		"ready with a payload":  string(frame(frameReady, 0, "x")),
		"answer to nothing":     ready + string(frame(frameResponse, 0, "x")),
		"error to nothing":      ready + string(frame(frameError, 0, "{}")),
		"init error too late":   ready + string(frame(frameInitError, 0, "{}")),
		"short init error":      "\x82\x00\x00\x00\x00\x00\x00\x09{}",
		"header cut off":        "\x81\x00",
		"runtime's stream ends": "",
	}
	for name, sent := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c, served := framedSession(t)
				go func() { _, _ = io.WriteString(c, sent); _ = c.Close() }()
				if err := <-served; err == nil {
					t.Error("no error")
				}
				if err := s.Err(); !errors.Is(err, ErrClosed) {
					t.Errorf("session: %v", err)
				}
			})
		})
	}
}

// The last error of a runtime that ends closes the session before anybody else can come.
func TestFramesLastError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, _ := framedSession(t)
		send(t, c, frame(frameReady, 0, ""))
		<-s.Initialised()
		got := invokeAsync(t.Context(), s, Event{}, &lambda.Buffer{})
		readInvoke(t, c)
		send(t, c, frame(frameError, flagLast, `{"errorType":"Runtime.UnhandledPromiseRejection"}`))
		if r := <-got; r.err != nil || r.outcome.Error == nil || r.outcome.Error.Type != "Runtime.UnhandledPromiseRejection" {
			t.Errorf("%+v", r)
		}
		if err := s.Err(); !errors.Is(err, ErrClosed) {
			t.Errorf("session: %v", err)
		}
		if _, err := s.Invoke(t.Context(), Event{}, &lambda.Buffer{}); !errors.Is(err, ErrClosed) {
			t.Errorf("another invocation: %v", err)
		}
		<-s.Done()
	})
}

// An oversized answer is read and dropped, the runtime goes on.
func TestFramesTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, _ := framedSession(t)
		send(t, c, frame(frameReady, 0, ""))
		<-s.Initialised()
		for _, kind := range []byte{frameResponse, frameError} {
			got := invokeAsync(t.Context(), s, Event{}, &lambda.Buffer{Cap: 10})
			readInvoke(t, c)
			send(t, c, frame(kind, 0, strings.Repeat("x", lambda.MaxResponse+1)))
			if r := <-got; r.err != nil || r.outcome.Error == nil || r.outcome.Error.Type != TypeResponseTooLarge {
				t.Errorf("frame %#x: %+v", kind, r)
			}
		}
		if s.Err() != nil {
			t.Errorf("session: %v", s.Err())
		}
	})
}

func readInvoke(t *testing.T, c net.Conn) {
	t.Helper()
	head := make([]byte, 8)
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(head[4:]))); err != nil {
		t.Fatal(err)
	}
}

func TestInvokeGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, served := framedSession(t)
		send(t, c, frame(frameReady, 0, ""))
		<-s.Initialised()
		why := errors.New("too slow")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
		defer cancel()
		got := invokeAsync(ctx, s, Event{}, &lambda.Buffer{})
		readInvoke(t, c)
		if r := <-got; !errors.Is(r.err, why) || r.outcome.Delivered.IsZero() {
			t.Errorf("%+v", r)
		}
		<-served
		if _, err := c.Write([]byte{0}); err == nil {
			t.Error("the stream is open after the session was given up")
		}
	})
}

// FuzzFrames sends anything from a runtime: no panic, no hang, and what is taken is
// never more than was sent.
func FuzzFrames(f *testing.F) {
	f.Add(frame(frameBegun, 0, ""), true)
	f.Add(bytes.Join([][]byte{frame(frameReady, 0, ""), frame(frameResponse, flagMore, "a"), frame(frameResponse, 0, "b")}, nil), true)
	f.Add(bytes.Join([][]byte{frame(frameReady, 0, ""), frame(frameError, 0, `{"errorType":1}`)}, nil), true)
	f.Add(frame(frameInitError, 0, "{"), false)
	f.Add([]byte("\x83\x01\x00\x00\xff\xff\xff\xff"), true)
	f.Fuzz(func(t *testing.T, sent []byte, invoking bool) {
		s, sink := NewSession(), &lambda.Buffer{Cap: 64}
		if invoking {
			if _, err := s.rest(nil); err != nil {
				t.Fatal(err)
			}
			if err := s.deliver(&turn{sink: sink, done: make(chan struct{})}); err != nil {
				t.Fatal(err)
			}
		}
		if err := linkFrom(newLink(s, nil, 1), sent).receive(); err == nil {
			t.Fatal("a stream that ended is no error")
		}
		if len(sink.Bytes()) > len(sent) {
			t.Fatalf("%d bytes made %d", len(sent), len(sink.Bytes()))
		}
		if e := s.InitError(); e != nil && e.Type == "" {
			t.Fatal("an error without a type")
		}
	})
}

// linkFrom has a link read what is given.
func linkFrom(l *link, sent []byte) *link {
	l.in = bufio.NewReader(bytes.NewReader(sent))
	return l
}

// FuzzWriteEvent holds that a frame parses back whatever a caller sent.
func FuzzWriteEvent(f *testing.F) {
	f.Add("id", "trace", []byte(`{"a":1}`), []byte(`{}`))
	f.Add("\xff", "\n", []byte(`{`), []byte(nil))
	f.Fuzz(func(t *testing.T, id, trace string, client, payload []byte) {
		sent := append(appendInvoke(nil, &Event{ID: id, TraceID: trace, ClientContext: client, Payload: payload}, 7), payload...)
		if int(binary.BigEndian.Uint32(sent[4:])) != len(sent)-8 {
			t.Fatalf("length % x of %d bytes", sent[4:8], len(sent))
		}
		n := binary.BigEndian.Uint32(sent[8:])
		if !json.Valid(sent[12:12+n]) || !bytes.Equal(sent[12+n:], payload) {
			t.Fatalf("meta %s, payload %q", sent[12:12+n], sent[12+n:])
		}
	})
}
