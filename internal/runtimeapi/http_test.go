package runtimeapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// in returns a session in a state, with the turn "id-1" where the state has one.
func in(t testing.TB, want state, sink lambda.Sink) *Session {
	t.Helper()
	s := NewSession()
	current := &turn{event: Event{ID: "id-1"}, sink: sink, done: make(chan struct{})}
	steps := []struct {
		upTo state
		step func() error
	}{
		{initialising, func() error { s.begin(); return nil }},
		{failed, func() error { return s.failInit(NewError("Runtime.X", "")) }},
		{idle, func() error { _, err := s.rest(nil); return err }},
		{invoking, func() error { return s.deliver(current) }},
		{answering, func() error { _, err := s.current(nil, "id-1"); return err }},
		{answered, func() error { s.complete(current, nil, answered); return nil }},
		{closed, func() error { s.Close(errors.New("test")); return nil }},
	}
	for _, next := range steps {
		if want < next.upTo {
			break
		}
		if next.upTo == failed && want != failed || want == failed && next.upTo > failed {
			continue
		}
		if err := next.step(); err != nil {
			t.Fatalf("to %s: %v", next.upTo, err)
		}
	}
	if s.state != want {
		t.Fatalf("state %s, not %s", s.state, want)
	}
	return s
}

func ask(s *Session, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return askWith(s, r)
}

func askWith(s *Session, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	Handler(func() *Session { return s }).ServeHTTP(w, r)
	return w
}

const root = "/2018-06-01/runtime/"

// TestStates holds every request against every state.
func TestStates(t *testing.T) {
	type row map[state]int
	all := func(code int) row {
		r := row{}
		for s := starting; s <= closed; s++ {
			r[s] = code
		}
		return r
	}
	answer := row{starting: 400, initialising: 400, failed: 400, idle: 400, invoking: 202, answering: 403, answered: 403, closed: 403}
	init := row{starting: 202, initialising: 202, failed: 403, idle: 403, invoking: 403, answering: 403, answered: 403, closed: 403}
	tests := map[string]row{
		"POST " + root + "invocation/id-1/response": answer,
		"POST " + root + "invocation/id-1/error":    answer,
		"POST " + root + "init/error":               init,
		"GET " + root + "invocation/next":           {failed: 403, invoking: 403, answering: 403, closed: 403},
		"GET " + root + "restore/next":              all(403),
		"POST " + root + "restore/error":            all(403),
		"GET /2018-06-01/ping":                      all(200),
		"GET /2018-06-01/":                          all(404),
		"GET " + root + "invocation//response":      all(404),
		"POST " + root + "invocation/id-1/other":    all(404),
		"GET " + root + "invocation/id-1/response":  all(405),
		"POST " + root + "invocation/next":          all(405),
	}
	for request, codes := range tests {
		method, path, _ := strings.Cut(request, " ")
		for from, want := range codes {
			w := ask(in(t, from, &lambda.Buffer{Cap: 100}), method, path, `{}`)
			if w.Code != want {
				t.Errorf("%s while %s: %d %s, not %d", request, from, w.Code, w.Body, want)
			}
			checkErrorShape(t, request, w)
		}
	}
}

func checkErrorShape(t *testing.T, request string, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code < 400 {
		return
	}
	var e struct{ ErrorMessage, ErrorType string }
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.ErrorType == "" || e.ErrorMessage == "" {
		t.Errorf("%s: %d with %q", request, w.Code, w.Body)
	}
	if w.Code == http.StatusMethodNotAllowed && w.Header().Get("Allow") == "" {
		t.Errorf("%s: no Allow", request)
	}
}

func TestErrorBodies(t *testing.T) {
	s := in(t, invoking, &lambda.Buffer{})
	if w := ask(s, "POST", root+"invocation/other/response", ""); w.Body.String() != `{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}` {
		t.Errorf("%s", w.Body)
	}
	if w := ask(s, "GET", root+"invocation/next", ""); !strings.Contains(w.Body.String(), `"errorType":"InvalidStateTransition"`) {
		t.Errorf("%s", w.Body)
	}
	w := ask(s, "POST", root+"invocation/id-1/response", "", headerMode, "sideways")
	if w.Code != 400 || !strings.Contains(w.Body.String(), `"InvalidFunctionResponseMode"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(s, "POST", root+"invocation/id-1/response", ""); w.Code != 202 || w.Body.String() != `{"status":"OK"}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestNextHeaders(t *testing.T) {
	s := NewSession()
	answered := make(chan *httptest.ResponseRecorder, 1)
	go func() { answered <- ask(s, "GET", root+"invocation/next", "") }()
	<-s.Initialised()
	e := Event{ID: "id-1", Deadline: time.UnixMilli(99), ARN: "arn:x", TraceID: "Root=1", ClientContext: []byte(`{"c":1}`), Identity: []byte(`{"i":1}`), TenantID: "blue", Payload: []byte(`[1]`)}
	got := invokeAsync(t.Context(), s, e, &lambda.Buffer{Cap: 9})
	w := <-answered
	for name, want := range map[string]string{
		"Lambda-Runtime-Aws-Request-Id": "id-1", "Lambda-Runtime-Deadline-Ms": "99", "Lambda-Runtime-Invoked-Function-Arn": "arn:x",
		"Lambda-Runtime-Trace-Id": "Root=1", "Lambda-Runtime-Client-Context": `{"c":1}`, "Lambda-Runtime-Cognito-Identity": `{"i":1}`,
		"Lambda-Runtime-Aws-Tenant-Id": "blue", "Content-Type": "application/json",
	} {
		if w.Header().Get(name) != want {
			t.Errorf("%s: %q", name, w.Header().Get(name))
		}
	}
	if w.Body.String() != `[1]` {
		t.Errorf("body %s", w.Body)
	}
	ask(s, "POST", root+"invocation/id-1/response", "done", "Content-Type", "text/plain")
	if r := <-got; r.err != nil || r.outcome.Bytes != 4 {
		t.Errorf("%+v", r)
	}
}

func TestResponseCapByTheByte(t *testing.T) {
	for size, want := range map[int]int{lambda.MaxResponse: 202, lambda.MaxResponse + 1: 413} {
		sink := &lambda.Buffer{Cap: lambda.MaxResponse}
		s := in(t, invoking, sink)
		w := ask(s, "POST", root+"invocation/id-1/response", strings.Repeat("x", size))
		fault := s.turn.outcome.Error
		if w.Code != want || (fault != nil) != (want == 413) {
			t.Errorf("%d bytes: %d %s, %v", size, w.Code, w.Body, fault)
		}
		if fault != nil && string(fault.Payload) != `{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}` {
			t.Errorf("%s", fault.Payload)
		}
		if w := ask(s, "POST", root+"invocation/id-1/response", ""); w.Code != 403 {
			t.Errorf("a second response: %d", w.Code)
		}
	}
}

// Streaming reaches the sink as it comes; an error in the middle comes by trailer.
func TestStreaming(t *testing.T) {
	s := NewSession()
	server := httptest.NewServer(Handler(func() *Session { return s }))
	defer server.Close()
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		if res, err := http.Get(server.URL + root + "invocation/next"); err == nil {
			_ = res.Body.Close()
		}
	}()
	<-s.Initialised()
	sink := &watched{wrote: make(chan string, 8)}
	got := invokeAsync(t.Context(), s, Event{ID: "id-1"}, sink)
	<-delivered // or the answer would come before its event
	body, write := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+root+"invocation/id-1/response", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(headerMode, "streaming")
	req.Trailer = http.Header{headerErrorType: {"Function.Broken"}, headerErrorBody: {base64.StdEncoding.EncodeToString([]byte(`{"errorMessage":"mid"}`))}}
	status := make(chan int, 1)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			status <- 0
			return
		}
		_ = res.Body.Close()
		status <- res.StatusCode
	}()
	_, _ = io.WriteString(write, "first")
	if got := <-sink.wrote; got != "first" {
		t.Errorf("%q", got)
	}
	_ = write.Close()
	r := <-got
	if r.outcome.Error == nil || r.outcome.Error.Type != "Function.Broken" || string(r.outcome.Error.Payload) != `{"errorMessage":"mid"}` {
		t.Errorf("%+v", r.outcome.Error)
	}
	if code := <-status; code != 202 || !sink.head.Streaming {
		t.Errorf("status %d, head %+v", code, sink.head)
	}
}

// watched is a sink that tells of every write.
type watched struct {
	head  lambda.Head
	wrote chan string
}

func (w *watched) Head(h lambda.Head) error       { w.head = h; return nil }
func (w *watched) Write(p []byte) (int, error)    { w.wrote <- string(p); return len(p), nil }
func (w *watched) Finish(_ *lambda.FunctionError) {}

func TestBrokenResponse(t *testing.T) {
	s := in(t, invoking, &lambda.Buffer{Cap: 100})
	body := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF))
	askWith(s, httptest.NewRequest("POST", root+"invocation/id-1/response", body))
	if e := s.turn.outcome.Error; e == nil || e.Type != TypeTruncatedResponse {
		t.Errorf("%v", e)
	}
}

func TestErrorTypes(t *testing.T) {
	tests := []struct{ header, body, kind, payload string }{
		{"Runtime.BadThing", `{"errorType":"X"}`, "Runtime.BadThing", `{"errorType":"X"}`},
		{"bad", `{"errorType":"X"}`, "X", `{"errorType":"X"}`},
		{"", "not JSON", TypeUnknown, "not JSON"},
		{"Function.Oops", "", "Function.Oops", `{"errorType":"Function.Oops","errorMessage":""}`},
		{"", `{"errorType":"` + strings.Repeat("x", 300) + `"}`, TypeUnknown, `{"errorType":"` + strings.Repeat("x", 300) + `"}`},
	}
	for _, test := range tests {
		for _, path := range []string{"invocation/id-1/error", "init/error"} {
			from := invoking
			if path == "init/error" {
				from = starting
			}
			s := in(t, from, &lambda.Buffer{})
			if w := ask(s, "POST", root+path, test.body, headerErrorType, test.header); w.Code != 202 {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
			e := s.InitError()
			if from == invoking {
				e = s.turn.outcome.Error
			}
			if e == nil || e.Type != test.kind || string(e.Payload) != test.payload {
				t.Errorf("%s %+v: %+v", path, test, e)
			}
		}
	}
}

// FuzzRouter asks anything in any state: every request gets an answer.
func FuzzRouter(f *testing.F) {
	for _, path := range []string{root + "invocation/next", root + "invocation/id-1/response", root + "invocation/id-1/error", root + "init/error", root + "restore/next", "/2018-06-01/ping", "//", ""} {
		for s := starting; s <= closed; s++ {
			f.Add("GET", path, "", "", []byte{}, byte(s))
			f.Add("POST", path, headerMode, "streaming", []byte(`{"errorType":"x"}`), byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, method, path, name, value string, body []byte, from byte) {
		s := in(t, state(from)%(closed+1), &lambda.Buffer{Cap: 16})
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errors.New("the runtime left"))
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, "GET", "/", bytes.NewReader(body))
		r.Method, r.URL.Path = method, path
		r.Header[name] = []string{value}
		w := askWith(s, r)
		if w.Code < 200 || w.Code > 599 {
			t.Fatalf("status %d", w.Code)
		}
		checkErrorShape(t, method+" "+path, w)
	})
}

// TestInvocationOfARuntimeThatLeft holds that an invocation is not lost with a connection on
// which it was asked for and which was closed since.
func TestInvocationOfARuntimeThatLeft(t *testing.T) {
	for _, s := range []*Session{NewSession(), NewSharedSession()} {
		addr := serveSession(t, s)
		for range 3 {
			leave(t, addr)
		}
		<-s.Initialised()
		go answerOne(addr)
		sink := &lambda.Buffer{Cap: 100}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := s.Invoke(ctx, Event{ID: "1", Payload: []byte("{}")}, sink); err != nil || string(sink.Bytes()) != "done" {
			t.Errorf("%q, %v", sink.Bytes(), err)
		}
	}
}

// leave asks for an invocation and closes the connection.
func leave(t *testing.T, addr string) {
	t.Helper()
	c, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, getNext); err != nil {
		t.Fatal(err)
	}
}

// answerOne is a runtime that runs one invocation.
func answerOne(addr string) {
	r, err := http.Get("http://" + addr + Version + "/runtime/invocation/next")
	if err != nil {
		return
	}
	_ = r.Body.Close()
	r, err = http.Post("http://"+addr+Version+"/runtime/invocation/"+r.Header.Get(headerRequestID)+"/response", "", strings.NewReader("done"))
	if err == nil {
		_ = r.Body.Close()
	}
}
