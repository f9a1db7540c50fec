package runtimeapi

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// slotFrame is a frame of a slot.
func slotFrame(kind, flags byte, slot uint16, payload string) []byte {
	b := frame(kind, flags, payload)
	binary.BigEndian.PutUint16(b[2:], slot)
	return b
}

// ended is how ServeSlots returned.
type ended struct {
	served bool
	err    error
}

// sharedSession serves a stream with slots over a pipe, whose other end is the runtime's.
func sharedSession(t *testing.T, s *Session, slots int) (net.Conn, <-chan ended) {
	t.Helper()
	host, runtime := net.Pipe()
	got := make(chan ended, 1)
	go func() {
		served, err := s.ServeSlots(host, slots)
		got <- ended{served, err}
	}()
	t.Cleanup(func() { s.Close(errors.New("the test ended")); _ = runtime.Close() })
	return runtime, got
}

// takeInvoke reads an Invoke frame and returns its slot and event.
func takeInvoke(t *testing.T, c net.Conn) (slot uint16, event string) {
	t.Helper()
	head := make([]byte, 12)
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint32(head[4:])-4)
	if _, err := io.ReadFull(c, body); err != nil {
		t.Fatal(err)
	}
	return binary.BigEndian.Uint16(head[2:]), string(body[binary.BigEndian.Uint32(head[8:]):])
}

func TestSlotsAnswerInAnyOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSharedSession()
		c, _ := sharedSession(t, s, 2)
		send(t, c, frame(frameBegun, 0, ""), frame(frameReady, 0, ""))
		<-s.Initialised()
		sinks := [3]*lambda.Buffer{{Cap: 100}, {Cap: 100}, {Cap: 100}}
		var got [3]<-chan result
		var slots [3]uint16
		invoke := func(n int) {
			got[n] = invokeAsync(t.Context(), s, Event{ID: fmt.Sprint(n), Payload: []byte(fmt.Sprint(n))}, sinks[n])
		}
		for n := range 2 {
			invoke(n)
			slot, event := takeInvoke(t, c)
			if slots[n] = slot; event != fmt.Sprint(n) {
				t.Errorf("event %s in the place of %d", event, n)
			}
		}
		if slots[0] == slots[1] {
			t.Fatalf("both are in slot %d", slots[0])
		}
		invoke(2) // waits for a slot
		send(t, c, slotFrame(frameResponse, flagMore, slots[0], "a"), slotFrame(frameResponse, 0, slots[1], "second"), slotFrame(frameResponse, 0, slots[0], "b"))
		for n, want := range []string{"ab", "second"} {
			if r := <-got[n]; r.err != nil || r.outcome.Error != nil || string(sinks[n].Bytes()) != want {
				t.Errorf("%d: %+v, %q", n, r, sinks[n].Bytes())
			}
		}
		slot, event := takeInvoke(t, c)
		if event != "2" || slot != slots[0] && slot != slots[1] {
			t.Errorf("event %s in slot %d", event, slot)
		}
		send(t, c, slotFrame(frameError, 0, slot, `{"errorType":"No"}`))
		if r := <-got[2]; r.err != nil || r.outcome.Error == nil || r.outcome.Error.Type != "No" {
			t.Errorf("%+v", r)
		}
	})
}

// The worker of one stream dies: its invocation is lost, the other's is not, and a stream
// that takes its place serves.
func TestOneStreamOfManyEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSharedSession()
		conns, ends := [2]net.Conn{}, [2]<-chan ended{}
		var got [2]<-chan result
		for n := range 2 {
			conns[n], ends[n] = sharedSession(t, s, 1)
			send(t, conns[n], frame(frameBegun, 0, ""), frame(frameReady, 0, ""))
			<-s.Initialised()
			synctest.Wait()
			got[n] = invokeAsync(t.Context(), s, Event{ID: fmt.Sprint(n)}, &lambda.Buffer{Cap: 10})
			takeInvoke(t, conns[n])
		}
		_ = conns[0].Close()
		if e := <-ends[0]; !e.served || e.err == nil {
			t.Errorf("%+v", e)
		}
		if r := <-got[0]; !errors.Is(r.err, ErrWorkerLost) || r.outcome.Delivered.IsZero() {
			t.Errorf("%+v", r)
		}
		c, _ := sharedSession(t, s, 1)
		send(t, c, frame(frameReady, 0, ""))
		again := invokeAsync(t.Context(), s, Event{ID: "2"}, &lambda.Buffer{Cap: 10})
		takeInvoke(t, c)
		for i, conn := range []net.Conn{conns[1], c} {
			send(t, conn, frame(frameResponse, 0, "ok"))
			if r := <-[]<-chan result{got[1], again}[i]; r.err != nil {
				t.Error(r.err)
			}
		}
	})
}

// A request that took too long is its caller's alone: the session goes on, and a late
// answer is taken and dropped.
func TestLateAnswerIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSharedSession()
		c, _ := sharedSession(t, s, 2)
		send(t, c, frame(frameReady, 0, ""))
		<-s.Initialised()
		late := errors.New("late")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, late)
		defer cancel()
		sink := &lambda.Buffer{Cap: 10}
		got := invokeAsync(ctx, s, Event{ID: "slow"}, sink)
		slot, _ := takeInvoke(t, c)
		if r := <-got; !errors.Is(r.err, late) {
			t.Errorf("%+v", r)
		}
		send(t, c, slotFrame(frameResponse, 0, slot, "too late"))
		got = invokeAsync(t.Context(), s, Event{ID: "next"}, &lambda.Buffer{Cap: 10})
		slot, _ = takeInvoke(t, c)
		send(t, c, slotFrame(frameResponse, 0, slot, "in time"))
		if r := <-got; r.err != nil || s.Err() != nil || len(sink.Bytes()) != 0 {
			t.Errorf("%+v, %v, %q", r, s.Err(), sink.Bytes())
		}
	})
}

// Over HTTP: as many ask for work as like, and answer by request id, each once.
func TestSharedOverHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSharedSession()
		t.Cleanup(func() { s.Close(errors.New("the test ended")) })
		var polls sync.WaitGroup
		for range 2 {
			polls.Go(func() {
				if w := ask(s, "GET", "/2018-06-01/runtime/invocation/next", ""); w.Code != http.StatusOK {
					t.Errorf("next: %d %s", w.Code, w.Body)
				}
			})
		}
		<-s.Initialised()
		first := invokeAsync(t.Context(), s, Event{ID: "1"}, &lambda.Buffer{Cap: 10})
		second := invokeAsync(t.Context(), s, Event{ID: "2"}, &lambda.Buffer{Cap: 10})
		polls.Wait()
		for _, answer := range []struct {
			id   string
			code int
		}{{"2", 202}, {"2", 400}, {"1", 202}, {"3", 400}} {
			if w := ask(s, "POST", "/2018-06-01/runtime/invocation/"+answer.id+"/response", answer.id); w.Code != answer.code {
				t.Errorf("%s: %d %s", answer.id, w.Code, w.Body)
			}
		}
		for _, got := range []<-chan result{first, second} {
			if r := <-got; r.err != nil || r.outcome.Bytes != 1 {
				t.Errorf("%+v", r)
			}
		}
	})
}

// What one worker does wrong ends its stream, and only that.
func TestSlotsProtocolErrors(t *testing.T) {
	ready := string(frame(frameReady, 0, ""))
	for name, sent := range map[string]string{
		"a slot too many":     string(slotFrame(frameResponse, 0, 2, "x")),
		"answer to nothing":   ready + string(slotFrame(frameResponse, 0, 1, "x")),
		"ready twice":         ready + ready,
		"init fails too late": ready + string(frame(frameInitError, 0, "{}")),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := NewSharedSession()
				c, got := sharedSession(t, s, 2)
				go func() { _, _ = io.WriteString(c, sent) }()
				if e := <-got; e.err == nil || s.Err() != nil {
					t.Errorf("%+v, session: %v", e, s.Err())
				}
			})
		})
	}
}

// FuzzSlots holds that whatever a runtime sends, no answer is longer than what was sent,
// and every invocation ends.
func FuzzSlots(f *testing.F) {
	f.Add(bytes.Join([][]byte{frame(frameReady, 0, ""), slotFrame(frameResponse, flagMore, 1, "a"), slotFrame(frameResponse, 0, 0, "b"), slotFrame(frameResponse, 0, 1, "c")}, nil))
	f.Add(bytes.Join([][]byte{frame(frameReady, 0, ""), slotFrame(frameError, flagLast, 1, "{}"), slotFrame(frameResponse, 0, 0, "b")}, nil))
	f.Add(slotFrame(frameResponse, 0, 9, "x"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		s := NewSharedSession()
		l := newLink(s, nil, 2)
		l.free, l.turns = make(chan uint16, 4), make([]*turn, 2)
		l.ended, l.end = context.WithCancelCause(context.Background())
		var turns [2]*turn
		var sinks [2]lambda.Buffer
		for n := range turns {
			sinks[n].Cap = 64
			turns[n] = &turn{event: Event{ID: fmt.Sprint(n)}, sink: &sinks[n], done: make(chan struct{})}
			if err := s.deliver(turns[n]); err != nil || !l.put(uint16(n), turns[n]) {
				t.Fatal(err)
			}
		}
		if err := linkFrom(l, sent).receive(); err == nil {
			t.Fatal("a stream that ended is no error")
		}
		l.close()
		for n, turn := range turns {
			<-turn.done
			if len(sinks[n].Bytes()) > len(sent) {
				t.Fatalf("%d bytes made %d", len(sent), len(sinks[n].Bytes()))
			}
		}
	})
}
