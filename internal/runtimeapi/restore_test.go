package runtimeapi

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// took is the payload of a frame that says how long something took.
func took(d time.Duration) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(d.Microseconds())))
}

type restoring struct {
	Restored
	err error
}

func restoreAsync(ctx context.Context, s *Session) <-chan restoring {
	got := make(chan restoring, 1)
	go func() {
		r, err := s.Restore(ctx)
		got <- restoring{r, err}
	}()
	return got
}

// readRestore takes the one frame that a restore is.
func readRestore(t *testing.T, c net.Conn) {
	t.Helper()
	var head [headerSize]byte
	if _, err := io.ReadFull(c, head[:]); err != nil || head != [headerSize]byte{frameRestore} {
		t.Fatalf("% x, %v", head, err)
	}
}

// initialised is a session whose runtime waits, and the runtime's end of the stream.
func initialised(t *testing.T) (*Session, net.Conn) {
	t.Helper()
	s, c, _ := framedSession(t)
	send(t, c, frame(frameReady, 0, took(time.Millisecond)))
	<-s.Initialised()
	synctest.Wait() // until nobody else reads
	return s, c
}

func TestRestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := initialised(t)
		got := restoreAsync(t.Context(), s)
		readRestore(t, c)
		send(t, c, frame(frameRestored, 0, took(7*time.Millisecond)))
		if r := <-got; r.err != nil || r.Error != nil || !r.Asked || r.Took != 7*time.Millisecond {
			t.Errorf("%+v", r)
		}
		answer := invokeAsync(t.Context(), s, Event{ID: "id"}, &lambda.Buffer{Cap: 10})
		readInvoke(t, c)
		send(t, c, frame(frameResponse, 0, "{}"))
		if r := <-answer; r.err != nil {
			t.Errorf("the invocation after it: %v", r.err)
		}
	})
}

func TestRestoreFails(t *testing.T) {
	tests := map[string]struct {
		sent []byte
		kind string // of the function's error; "" = the runtime broke the protocol
	}{
		"a hook failed":    {frame(frameRestoreError, 0, `{"errorType":"Runtime.AfterRestoreError"}`), "Runtime.AfterRestoreError"},
		"another answer":   {frame(frameResponse, 0, "{}"), ""},
		"without the time": {frame(frameRestored, 0, ""), ""},
		"cut":              {frame(frameRestored, 0, took(1))[:9], ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := initialised(t)
				got := restoreAsync(t.Context(), s)
				readRestore(t, c)
				send(t, c, test.sent)
				_ = c.Close()
				r := <-got
				if test.kind != "" && (r.err != nil || r.Error == nil || r.Error.Type != test.kind) {
					t.Errorf("%+v", r)
				}
				if test.kind == "" && (!errors.Is(r.err, ErrClosed) || !r.Asked || s.Err() == nil) {
					t.Errorf("%+v, the session: %v", r, s.Err())
				}
			})
		})
	}
}

func TestRestoreGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := initialised(t)
		late := errors.New("too late")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, late)
		defer cancel()
		got := restoreAsync(ctx, s)
		readRestore(t, c)
		if r := <-got; !errors.Is(r.err, late) || !errors.Is(s.Err(), late) {
			t.Errorf("%+v, the session: %v", r, s.Err())
		}
	})
}

func TestRestoreOfWhatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := initialised(t)
		_ = c.Close()
		if r, err := s.Restore(t.Context()); err == nil || r.Asked {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// FuzzRestored sends anything in the place of an answer to a restore.
func FuzzRestored(f *testing.F) {
	f.Add(frame(frameRestored, 0, took(time.Second)))
	f.Add(frame(frameRestoreError, 0, `{"errorType":1}`))
	f.Add([]byte("\x87\x00\x00\x00\xff\xff\xff\xff{"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		r, err := linkFrom(newLink(NewSession(), nil, 1), sent).restored()
		if err == nil && r.Error != nil && r.Error.Type == "" {
			t.Fatal("an error without a type")
		}
		if err == nil && r.Error == nil && len(sent) < headerSize+tookSize {
			t.Fatalf("% x is an answer", sent)
		}
	})
}
