package http1_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lambent.dev/lambent/internal/http1"
)

// patience is for what comes at once on any machine that is not broken.
const patience = time.Minute

// serve runs a server and returns its address.
func serve(t testing.TB, settings *http.Server) (*http1.Server, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := http1.New(settings)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return s, l.Addr().String()
}

// mirror answers with what it was asked.
func mirror(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s %q host=%s length=%d close=%v\n", r.Method, r.RequestURI, r.URL.Path, r.URL.RawQuery, r.Host, r.ContentLength, r.Close)
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(w, "%s=%q\n", name, r.Header[name])
	}
	fmt.Fprintf(w, "%q %v %v %q", body, err, r.TransferEncoding, r.Trailer)
}

// dial connects to a server.
func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// exchange sends all of text and returns the answers until the server closes or all are there.
func exchange(t testing.TB, addr, text string) (answers []string) {
	t.Helper()
	c := dial(t, addr)
	if _, err := io.WriteString(c, text); err != nil {
		return nil // closed before it had all
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return nil
	}
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			return answers
		}
		body, err := io.ReadAll(r.Body)
		answers = append(answers, fmt.Sprintf("%d %s %v %v\n%s", r.StatusCode, r.Header.Get("Content-Type"), r.Close, err, body))
	}
}

const (
	host    = "Host: a\r\n"
	chunked = "POST /x HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n"
)

// requests are plain ones and others, whole connections each.
var requests = []string{
	"GET / HTTP/1.1\r\n" + host + "\r\n",
	"POST /x?y=%20z HTTP/1.1\r\n" + host + "Content-Length: 5\r\nX-A: b\r\nx-a:  c \r\n\r\nhello",
	"POST /x HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\n" + host + "\r\nPUT /3 HTTP/1.1\r\n" + host + "Content-Length: 1\r\n\r\n!",
	"POST /x HTTP/1.1\r\n" + host + "Content-Length: 50\r\n\r\nshort",
	"POST /x HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
	"POST /x HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
	"POST /x HTTP/1.1\r\n" + host + "Content-Length: +5\r\n\r\nhello",
	"POST /x HTTP/1.1\r\n" + host + "Content-Length: 5, 5\r\n\r\nhello",
	"POST /x HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"POST /x HTTP/1.1\r\n" + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello0",
	"POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhelloGET!",
	"POST / HTTP/1.1\r\n" + host + "\r\n\r\n\nGET /2 HTTP/1.1\r\n" + host + "\r\n",
	"GET / HTTP/1.1\r\n" + host + "\r\n\r\nGET /2 HTTP/1.1\r\n" + host + "\r\n",
	chunked + "5\r\nhello\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n" + host + "\r\n" + chunked + "1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\nGET /3 HTTP/1.1\r\n" + host + "\r\n",
	"POST /x HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTrailer: X-A, X-B\r\n\r\n2\r\nhi\r\n0\r\nX-B: b\r\nX-C: c\r\n\r\nGET /2 HTTP/1.1\r\n" + host + "\r\n",
	"POST /x HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
	"POST /x HTTP/1.1\r\n" + host + "Trailer: X-A\r\nContent-Length: 2\r\n\r\nhi",
	"POST /x HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"POST /x HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	chunked + "0\r\nX-A: undeclared\r\n\r\nGET /2 HTTP/1.1\r\n" + host + "\r\n",
	chunked + "5\r\nhel",
	chunked + "zz\r\nhello\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n" + host + "\r\n",
	chunked + "5\r\nhello!!0\r\n\r\n",
	chunked + "ffffffffffffffffff\r\nhello",
	chunked + "493e0\r\n" + strings.Repeat("z", 300000) + "\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n" + host + "\r\n",
	"POST /x HTTP/1.1\r\n" + host + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
	"POST /x HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
	"GET / HTTP/1.1\r\n\r\n",
	"GET / HTTP/1.1\r\n" + host + host + "\r\n",
	"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
	"GET / HTTP/1.0\r\n\r\n",
	"GET http://other/ HTTP/1.1\r\n" + host + "\r\n",
	"GET //evil/ HTTP/1.1\r\n" + host + "\r\n",
	"GET /%zz HTTP/1.1\r\n" + host + "\r\n",
	"GET / HTTP/1.1\n" + "Host: a\n\n",
	"GET / HTTP/1.1\r\n" + host + "X: a\r\n folded\r\n\r\n",
	"GET / HTTP/1.1\r\n" + host + "X: a\rb\r\n\r\n",
	"GET / HTTP/1.1\r\n" + host + "X: a\x00b\r\n\r\n",
	"GET / HTTP/1.1\r\n" + host + "Connection: close\r\n\r\nGET /2 HTTP/1.1\r\n" + host + "\r\n",
	"GET / HTTP/1.1\r\n" + host + "Connection: keep-alive\r\n\r\nGET /2 HTTP/1.1\r\n" + host + "\r\n",
	"HEAD / HTTP/1.1\r\n" + host + "\r\n",
	"OPTIONS * HTTP/1.1\r\n" + host + "\r\n",
	"BREW / HTTP/1.1\r\n" + host + "\r\n",
	"\r\nGET / HTTP/1.1\r\n" + host + "\r\n",
	"GET / HTTP/1.1\r\n" + host + "X: " + strings.Repeat("y", 10<<10) + "\r\n\r\n",
	"POST / HTTP/1.1\r\n" + host + "Content-Length: 300000\r\n\r\n" + strings.Repeat("z", 300000),
	"POST / HTTP/1.1\r\n" + host + "Content-Length: 200000\r\n\r\n" + strings.Repeat("z", 200000) + "GET /2 HTTP/1.1\r\n" + host + "\r\n",
}

// TestAnswersAsNetHTTP holds that it cannot be told from outside who answered.
func TestAnswersAsNetHTTP(t *testing.T) {
	ours, theirs := bothServers(t)
	for _, text := range requests {
		same(t, ours, theirs, text)
	}
}

// TestAnswerToABodyThatNobodyReads holds that what a client still sends does not cost it its answer.
func TestAnswerToABodyThatNobodyReads(t *testing.T) {
	_, ours := serve(t, &http.Server{Handler: http.HandlerFunc(mirror)})
	for name, text := range map[string]string{
		"long trailer": chunked + "0\r\nX-A: " + strings.Repeat("y", 100<<10) + "\r\n\r\n",
		"broken chunk": chunked + "zz\r\n" + strings.Repeat("z", 100<<10),
	} {
		if got := exchange(t, ours, text); len(got) != 1 || !strings.HasPrefix(got[0], "200 text/plain; charset=utf-8 true") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func FuzzAnswersAsNetHTTP(f *testing.F) {
	ours, theirs := bothServers(f)
	for _, text := range requests {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { same(t, ours, theirs, text) })
}

func bothServers(t testing.TB) (ours, theirs string) {
	t.Helper()
	_, ours = serve(t, &http.Server{Handler: http.HandlerFunc(mirror)})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plain := &http.Server{Handler: http.HandlerFunc(mirror)}
	go func() { _ = plain.Serve(l) }()
	t.Cleanup(func() { _ = plain.Close() })
	return ours, l.Addr().String()
}

func same(t *testing.T, ours, theirs, text string) {
	t.Helper()
	got, want := exchange(t, ours, text), exchange(t, theirs, text)
	if !slices.Equal(got, want) {
		t.Errorf("%.200q\n got %.600q\nwant %.600q", text, got, want)
	}
}

// TestRequestInPieces holds that a head that arrives in pieces, and a body that comes later,
// are one request.
func TestRequestInPieces(t *testing.T) {
	_, addr := serve(t, &http.Server{Handler: http.HandlerFunc(mirror)})
	for _, at := range []int{1, 10, 40, 55, 58} {
		text := "POST /x HTTP/1.1\r\n" + host + "Content-Length: 5\r\nX-A: b\r\n\r\nhello"
		c := dial(t, addr)
		in := bufio.NewReader(c)
		for range 2 { // also on a connection that was used
			for _, piece := range []string{text[:at], text[at:]} {
				if _, err := io.WriteString(c, piece); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Millisecond) // so that it is a segment of its own, mostly
			}
			r, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatalf("cut at %d: %v", at, err)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil || !strings.Contains(string(body), `"hello" <nil>`) {
				t.Errorf("cut at %d: %q, %v", at, body, err)
			}
		}
	}
}

// TestAnswers holds what handlers may do with an answer.
func TestAnswers(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789"), 20<<10)
	for name, h := range map[string]http.HandlerFunc{
		"nothing":  func(http.ResponseWriter, *http.Request) {},
		"status":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
		"bodiless": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"declared": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			_, _ = io.WriteString(w, "hello")
		},
		"big": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(big) },
		"bigPieces": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(big[:9])
			_, _ = w.Write(big)
			_, _ = w.Write(big[:9])
		},
		"flushed": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "a")
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "b")
		},
		"injection": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-A", "b\r\nX-C: d")
			w.Header()["X B\r\n"] = []string{"c"}
		},
		"error":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadRequest) },
		"unread": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") },
	} {
		t.Run(name, func(t *testing.T) {
			_, addr := serve(t, &http.Server{Handler: h})
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			plain := &http.Server{Handler: h}
			go func() { _ = plain.Serve(l) }()
			defer plain.Close()
			one := "POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello"
			got, want := headed(t, addr, one+one), headed(t, l.Addr().String(), one+one)
			if !slices.Equal(got, want) || len(got) != 2 {
				t.Errorf("got %.900q\nwant %.900q", got, want)
			}
		})
	}
}

// headed is exchange with the fields of the answers.
func headed(t *testing.T, addr, text string) (answers []string) {
	t.Helper()
	c := dial(t, addr)
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	for range 2 {
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			return answers
		}
		body, err := io.ReadAll(r.Body)
		r.Header.Del("Date")
		answers = append(answers, fmt.Sprint(r.StatusCode, r.Header, r.TransferEncoding, err, string(body)))
	}
	return answers
}

// TestContextEndsWithTheClient holds that a handler hears of a client that leaves, and that
// one which asked is followed by other requests.
func TestContextEndsWithTheClient(t *testing.T) {
	ended := make(chan error)
	begun := make(chan struct{})
	_, addr := serve(t, &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		derived, cancel := context.WithCancel(r.Context())
		defer cancel()
		_, _ = io.ReadAll(r.Body)
		if r.URL.Path == "/stays" {
			select {
			case <-derived.Done():
			case <-time.After(10 * time.Millisecond):
			}
			return
		}
		begun <- struct{}{}
		<-derived.Done()
		ended <- r.Context().Err()
	})})
	c := dial(t, addr)
	in := bufio.NewReader(c)
	for range 3 {
		_, _ = io.WriteString(c, "POST /stays HTTP/1.1\r\n"+host+"Content-Length: 2\r\n\r\nhi")
		if r, err := http.ReadResponse(in, nil); err != nil || r.StatusCode != http.StatusOK {
			t.Fatal(r, err)
		}
	}
	_, _ = io.WriteString(c, "POST /leaves HTTP/1.1\r\n"+host+"Content-Length: 2\r\n\r\nhi")
	<-begun
	_ = c.Close()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestContextEndsWithTheHandler holds that what a handler left behind is told.
func TestContextEndsWithTheHandler(t *testing.T) {
	contexts := make(chan context.Context, 1)
	_, addr := serve(t, &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { contexts <- r.Context() })})
	exchange(t, addr, "GET / HTTP/1.1\r\n"+host+"\r\n")
	ctx := <-contexts
	select {
	case <-ctx.Done():
	case <-time.After(patience):
		t.Fatal("it goes on")
	}
	if ctx.Err() == nil {
		t.Error("it has no error")
	}
}

// used is a connection on which one request was answered.
func used(t *testing.T, addr string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c := dial(t, addr)
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\n"+host+"\r\n")
	in := bufio.NewReader(c)
	r, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadAll(r.Body)
	return c, in
}

// TestShutdownWaitsForNoPiece holds that a connection on which less than a request's beginning has come is
// idle.
func TestShutdownWaitsForNoPiece(t *testing.T) {
	s, addr := serve(t, &http.Server{Handler: http.HandlerFunc(mirror)})
	c, in := used(t, addr)
	_, _ = io.WriteString(c, "GET")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if _, err := in.ReadByte(); err == nil {
		t.Error("it was answered")
	}
}

// TestShutdownWaitsForAnswers holds that idle connections are closed and a request under way
// is answered.
func TestShutdownWaitsForAnswers(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	s, addr := serve(t, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(begun)
			<-goOn
		}
		_, _ = io.WriteString(w, "done")
	})})
	_, in := used(t, addr)
	busy := dial(t, addr)
	_, _ = io.WriteString(busy, "GET /slow HTTP/1.1\r\n"+host+"\r\n")
	<-begun
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(context.Background()) }()
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("the idle connection: %v", err)
	}
	select {
	case err := <-ended:
		t.Errorf("it did not wait: %v", err)
	default:
	}
	close(goOn)
	r, err := http.ReadResponse(bufio.NewReader(busy), nil)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatal(r, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestBorrowerLeavesWhatItDoesNotWaitFor holds that a request that comes when the borrower has had enough,
// by another connection, is the lent connection's own goroutine's to answer.
func TestBorrowerLeavesWhatItDoesNotWaitFor(t *testing.T) {
	loans := make(chan *http1.Loan, 1)
	byBorrower := atomic.Bool{}
	_, addr := serve(t, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http1.Lend(w, func(l *http1.Loan) bool { loans <- l; return true })
		}
		fmt.Fprint(w, byBorrower.Load())
	})})
	c, in := used(t, addr)
	loan := <-loans
	_, _ = io.WriteString(c, "GET /2 HTTP/1.1\r\n"+host+"\r\n")
	byBorrower.Store(true)
	asked := 0
	loan.Serve(func() bool { asked++; return asked > 1 }) // enough while it waits
	byBorrower.Store(false)
	loan.Return()
	r, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(r.Body); string(body) != "false" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
}

// TestPanicEndsTheConnection holds that one handler takes nobody along.
func TestPanicEndsTheConnection(t *testing.T) {
	_, addr := serve(t, &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panics" {
			panic(http.ErrAbortHandler)
		}
	})})
	if got := exchange(t, addr, "GET /panics HTTP/1.1\r\n"+host+"\r\n"); len(got) != 0 {
		t.Errorf("it answered %q", got)
	}
	if got := exchange(t, addr, "GET / HTTP/1.1\r\n"+host+"\r\n"); len(got) != 1 {
		t.Errorf("the next one got %q", got)
	}
}

// TestStates holds that ConnState sees a connection's life as net/http tells it.
func TestStates(t *testing.T) {
	states := make(chan http.ConnState, 16)
	_, addr := serve(t, &http.Server{Handler: http.HandlerFunc(mirror), ConnState: func(_ net.Conn, s http.ConnState) { states <- s }})
	exchange(t, addr, "GET / HTTP/1.1\r\n"+host+"\r\n")
	for _, want := range []http.ConnState{http.StateNew, http.StateActive, http.StateIdle, http.StateClosed} {
		if got := <-states; got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	exchange(t, addr, "GET / HTTP/1.0\r\n\r\n")
	for _, want := range []http.ConnState{http.StateNew, http.StateActive, http.StateNew, http.StateActive, http.StateClosed} {
		if got := <-states; got != want {
			t.Errorf("handed over: %v, want %v", got, want)
		}
	}
}
