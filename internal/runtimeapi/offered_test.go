package runtimeapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// offering is a session whose runtime will be answered with its first event.
type offering struct {
	*Offered
	s     *Session
	sink  *lambda.Buffer
	asked atomic.Int32
}

func offers() *offering {
	o := &offering{s: NewSession(), sink: &lambda.Buffer{Cap: 100}}
	o.Offered = o.s.Offer(Event{ID: "id-1", Timeout: 3 * time.Second, ARN: "arn", Payload: []byte(`{}`)}, o.sink, func() { o.asked.Add(1) })
	return o
}

// asks has the runtime call for work.
func (o *offering) asks(t *testing.T) *httptest.ResponseRecorder {
	t.Helper()
	w := ask(o.s, http.MethodGet, root+"invocation/next", "")
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w
}

// TestOfferedEventAnswersTheFirstCall: nobody but the runtime does anything for it, its time
// begins with the call, and the session goes on as any other.
func TestOfferedEventAnswersTheFirstCall(t *testing.T) {
	o := offers()
	if o.Seen() || o.asked.Load() != 0 {
		t.Error("the runtime has not asked yet")
	}
	began := time.Now()
	w := o.asks(t)
	deadline, _ := strconv.ParseInt(w.Header().Get(headerDeadline), 10, 64)
	if left := time.UnixMilli(deadline).Sub(began); left < 2900*time.Millisecond || left > 4*time.Second {
		t.Errorf("%v are left of 3 s", left)
	}
	if w.Header().Get(headerRequestID) != "id-1" || w.Body.String() != `{}` || !o.Seen() || o.asked.Load() != 1 {
		t.Errorf("%v %s, seen %v, asked %d", w.Header(), w.Body, o.Seen(), o.asked.Load())
	}
	if err := errors.Join(o.Initialise(t.Context()), o.Deliver()); err != nil {
		t.Fatal(err)
	}
	if o.s.ReadyAt().Before(o.s.BegunAt()) || o.Answers(time.Millisecond) {
		t.Error("it was ready before it had begun, or has answered")
	}
	if w := ask(o.s, http.MethodPost, root+"invocation/id-1/response", `1`); w.Code != http.StatusAccepted {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	got, err := o.Answer(t.Context())
	if err != nil || got.Error != nil || !got.Delivered.Equal(o.s.ReadyAt()) || string(o.sink.Bytes()) != `1` {
		t.Errorf("%+v, %v: %s", got, err, o.sink.Bytes())
	}
	second := invokeAsync(t.Context(), o.s, Event{ID: "id-2"}, &lambda.Buffer{Cap: 100})
	if w := o.asks(t); w.Header().Get(headerRequestID) != "id-2" || o.asked.Load() != 1 {
		t.Errorf("%v, asked %d", w.Header(), o.asked.Load())
	}
	ask(o.s, http.MethodPost, root+"invocation/id-2/response", `2`)
	if r := <-second; r.err != nil {
		t.Errorf("the second: %v", r.err)
	}
}

func TestOfferedInitError(t *testing.T) {
	o := offers()
	ask(o.s, http.MethodPost, root+"init/error", `{"errorType":"X"}`)
	if err := o.Initialise(t.Context()); err != nil || o.s.InitError() == nil {
		t.Errorf("%v, %v", err, o.s.InitError())
	}
	if w := ask(o.s, http.MethodGet, root+"invocation/next", ""); w.Code != http.StatusForbidden || o.Seen() {
		t.Errorf("a runtime that has failed got %d, seen %v", w.Code, o.Seen())
	}
}

func TestOfferedToWhoEnds(t *testing.T) {
	o := offers()
	o.s.Close(errLast)
	if err := o.Initialise(t.Context()); !errors.Is(err, errLast) || o.Seen() {
		t.Errorf("%v, seen %v", err, o.Seen())
	}
	late := offers()
	late.asks(t)
	late.s.Close(errLast)
	if !late.Answers(time.Minute) {
		t.Error("it never answers")
	}
	if got, err := late.Answer(t.Context()); !errors.Is(err, errLast) || got.Delivered.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestOfferedOrTooLate: a runtime that asks at the end of the time for its initialisation gets
// the event if, and only if, who offered it is told so. -race
func TestOfferedOrTooLate(t *testing.T) {
	both := [2]int{}
	for range 500 {
		o := offers()
		ctx, cancel := context.WithCancelCause(t.Context())
		var got int
		var runtime sync.WaitGroup
		runtime.Go(func() { got = ask(o.s, http.MethodGet, root+"invocation/next", "").Code })
		go cancel(errLast)
		err := o.Initialise(ctx)
		o.s.Close(errLast)
		runtime.Wait()
		if (err == nil) != (got == http.StatusOK) || (err == nil) != o.Seen() {
			t.Fatalf("%v, the runtime got %d, seen %v", err, got, o.Seen())
		}
		both[min(got/300, 1)]++
	}
	if both[0] == 0 || both[1] == 0 {
		t.Logf("only one of both was met: %v", both)
	}
}
