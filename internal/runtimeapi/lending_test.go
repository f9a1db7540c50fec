package runtimeapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"lambent.dev/lambent/internal/http1"
	"lambent.dev/lambent/internal/lambda"
)

// wire is a runtime's connection.
type wire struct {
	net.Conn
	in *bufio.Reader
}

func dial(addr string) (*wire, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &wire{c, bufio.NewReader(c)}, nil
}

// call is one request and its answer.
func (w *wire) call(request string) (id, body string, err error) {
	if _, err := io.WriteString(w, request); err != nil {
		return "", "", err
	}
	r, err := http.ReadResponse(w.in, nil)
	if err != nil {
		return "", "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode >= 300 {
		err = errors.New(r.Status)
	}
	return r.Header.Get(headerRequestID), string(text), err
}

const getNext = "GET " + Version + "/runtime/invocation/next HTTP/1.1\r\nHost: a\r\n\r\n"

func post(id, framing, body string) string {
	return "POST " + Version + "/runtime/invocation/" + id + "/response HTTP/1.1\r\nHost: a\r\n" + framing + "\r\n\r\n" + body
}

func sized(id, body string) string { return post(id, fmt.Sprint("Content-Length: ", len(body)), body) }

func chunkedPost(id, body string) string {
	return post(id, "Transfer-Encoding: chunked\r\nTrailer: "+headerErrorType, fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body))
}

// runtimes are what a runtime does for its nth invocation. Each keeps two connections.
var runtimes = map[string]struct {
	do     func(a, b *wire, n int) error
	lent   bool // its connection, at the end
	either bool // lent or not: whether the first was still, when it went to the second, is a matter of moments
}{
	"one connection": {do: func(a, _ *wire, _ int) error { return round(a, a, sized) }, lent: true},
	"in chunks":      {do: func(a, _ *wire, _ int) error { return round(a, a, chunkedPost) }, lent: true},
	"asks late": {lent: true, do: func(a, _ *wire, _ int) error {
		time.Sleep(20 * time.Millisecond)
		return round(a, a, sized)
	}},
	"answers elsewhere":         {do: func(a, b *wire, _ int) error { return round(a, b, sized) }},
	"asks elsewhere later":      {do: func(a, b *wire, n int) error { return round(either(a, b, n > 4), a, sized) }},
	"answers elsewhere later":   {do: func(a, b *wire, n int) error { return round(a, either(a, b, n > 4), sized) }},
	"takes turns":               {do: func(a, b *wire, n int) error { w := either(a, b, n%2 == 0); return round(w, w, sized) }},
	"moves on":                  {either: true, do: func(a, b *wire, n int) error { w := either(a, b, n > 4); return round(w, w, sized) }},
	"answers more than is read": {do: func(a, _ *wire, n int) error { return round(a, a, enlarged(n > 4)) }},
}

func either(a, b *wire, second bool) *wire {
	if second {
		return b
	}
	return a
}

// enlarged is an answer of more than package http1 takes, after the event.
func enlarged(large bool) func(id, body string) string {
	return func(id, body string) string {
		if large {
			body += strings.Repeat(" ", 300<<10)
		}
		return sized(id, body)
	}
}

func round(asks, answers *wire, respond func(id, body string) string) error {
	id, body, err := asks.call(getNext)
	if err == nil {
		_, _, err = answers.call(respond(id, body))
	}
	return err
}

// TestLentConnections holds that invocations get their answers whatever connections a runtime uses, and
// that the one of a runtime with one is lent.
func TestLentConnections(t *testing.T) {
	for name, r := range runtimes {
		t.Run(name, func(t *testing.T) {
			s := NewSession()
			addr := serveSession(t, s)
			ended := make(chan error, 1)
			go func() { ended <- run(addr, r.do) }()
			<-s.Initialised()
			for n := range 12 {
				invokes(t, s, fmt.Sprint(n))
				if n%3 > 0 {
					time.Sleep(3 * time.Millisecond) // the answer's end goes before the next, most likely
				}
			}
			if !r.either && s.lentSoon(r.lent) != r.lent {
				t.Errorf("lent: %v", !r.lent)
			}
			s.Close(errors.New("test"))
			if err := <-ended; err == nil {
				t.Error("the runtime was not refused at the end")
			}
		})
	}
}

// serveSession serves the Runtime API of s, and holds at the test's end that no connection goes on.
func serveSession(t *testing.T, s *Session) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := http1.New(&http.Server{Handler: Handler(func() *Session { return s })})
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() {
		s.Close(errors.New("the test is over"))
		_ = server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil { // it waits for all connections' goroutines
			t.Errorf("a connection goes on: %v", err)
		}
	})
	return l.Addr().String()
}

// run is a runtime: it runs invocations until one fails.
func run(addr string, do func(a, b *wire, n int) error) error {
	a, err := dial(addr)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := dial(addr)
	if err != nil {
		return err
	}
	defer b.Close()
	for n := 0; ; n++ {
		if err := do(a, b, n); err != nil {
			return err
		}
	}
}

func invokes(t *testing.T, s *Session, event string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sink := &lambda.Buffer{Cap: 1 << 20}
	o, err := s.Invoke(ctx, Event{ID: "id-" + event, Payload: []byte(event)}, sink)
	if got := strings.TrimSpace(string(sink.Bytes())); err != nil || got != event || o.Delivered.IsZero() || o.Error != nil {
		t.Fatalf("event %s: %q, %v, %+v", event, got, err, o)
	}
}

// lentSoon waits until the connection is as it should be, for a while.
func (s *Session) lentSoon(want bool) (lent bool) {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		s.mu.Lock()
		lent = s.idle != nil
		s.mu.Unlock()
		if lent == want {
			break
		}
	}
	return lent
}

// TestLentConnectionOfASilentRuntime holds that an invocation ends in time where a runtime with a lent
// connection asks for no more work, or does not answer.
func TestLentConnectionOfASilentRuntime(t *testing.T) {
	for name, says := range map[string]string{"does not ask": "", "does not answer": getNext, "does not end its answer": getNext + post("id-2", "Content-Length: 9", "abc")} {
		t.Run(name, func(t *testing.T) {
			s := NewSession()
			addr := serveSession(t, s)
			w, err := dial(addr)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			go func() {
				_ = round(w, w, sized)
				_, _ = io.WriteString(w, says)
			}()
			<-s.Initialised()
			invokes(t, s, "1")
			if !s.lentSoon(true) {
				t.Fatal("it is not lent")
			}
			late := errors.New("late")
			ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, late)
			defer cancel()
			o, err := s.Invoke(ctx, Event{ID: "id-2", Payload: []byte("2")}, &lambda.Buffer{Cap: 10})
			if !errors.Is(err, late) || o.Delivered.IsZero() != (says == "") {
				t.Errorf("%v, %+v", err, o)
			}
		})
	}
}

// TestLentConnectionOfARuntimeThatLeft holds that an invocation is not lost with a lent connection on which
// it was asked for and which was closed since.
func TestLentConnectionOfARuntimeThatLeft(t *testing.T) {
	s := NewSession()
	addr := serveSession(t, s)
	a, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = round(a, a, sized) }()
	<-s.Initialised()
	invokes(t, s, "1")
	if !s.lentSoon(true) {
		t.Fatal("it is not lent")
	}
	_, _ = io.WriteString(a, getNext)
	_ = a.Close()
	go func() { _ = run(addr, func(_, b *wire, _ int) error { return round(b, b, sized) }) }()
	invokes(t, s, "2")
}

// TestWhoWaitsIsNotPassedOver holds that a connection is not lent while an invocation waits for what comes
// on it: nobody would read that.
func TestWhoWaitsIsNotPassedOver(t *testing.T) {
	s := in(t, answered, &lambda.Buffer{})
	if s.borrow(newTurn(Event{}, &lambda.Buffer{})) != nil {
		t.Fatal("nothing is lent")
	}
	if s.lend(&http1.Loan{}) {
		t.Error("it is lent while somebody waits")
	}
	s.release()
	if !s.lend(&http1.Loan{}) {
		t.Error("it is not lent while nobody waits")
	}
}

// TestClosedSessionReturnsItsConnection holds that a runtime is answered on it still.
func TestClosedSessionReturnsItsConnection(t *testing.T) {
	s := NewSession()
	addr := serveSession(t, s)
	w, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	first := make(chan error, 1)
	go func() { first <- round(w, w, sized) }()
	<-s.Initialised()
	invokes(t, s, "1")
	if err := <-first; err != nil || !s.lentSoon(true) {
		t.Fatal("it is not lent", err)
	}
	s.Close(errors.New("test"))
	if _, _, err := w.call(getNext); err == nil || !strings.HasPrefix(err.Error(), "403") {
		t.Error(err)
	}
}
