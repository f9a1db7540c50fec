package load

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

const plainAnswer = "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello"

// answers follow each other on a connection, plain ones and others.
var answers = []string{
	plainAnswer,
	"HTTP/1.1 429 Too Many Requests\r\ncontent-length:  2 \r\nX-A:\r\n\r\n{}",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: c\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"HTTP/1.1 204 No Content\r\nX-A: d\r\n\r\n",
	"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nX-A: e\r\n\r\n!",
	"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: f\r\n\r\n",
}

// What is read is what net/http reads, however it arrives.
func TestReadsAsNetHTTP(t *testing.T) {
	for i := range answers {
		text := strings.Join(answers[i:], "")
		ours := bufio.NewReaderSize(iotest.OneByteReader(strings.NewReader(text)), maxHead)
		theirs := bufio.NewReader(strings.NewReader(text))
		for range answers[i:] {
			sameAnswer(t, ours, theirs)
		}
	}
}

func FuzzReadsAsNetHTTP(f *testing.F) {
	for i := range answers {
		f.Add(strings.Join(answers[i:], ""))
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := read(bufio.NewReaderSize(strings.NewReader(text), maxHead))
		if err == nil && len(a.Body) > len(text) {
			t.Errorf("%d bytes of body in %d", len(a.Body), len(text))
		}
	})
}

func sameAnswer(t *testing.T, ours, theirs *bufio.Reader) {
	t.Helper()
	want, err := http.ReadResponse(theirs, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(want.Body)
	if err != nil {
		t.Fatal(err)
	}
	a, err := read(ours)
	if err != nil || a.Status != want.StatusCode || string(a.Body) != string(body) || a.Header.Get("x-a") != want.Header.Get("X-A") {
		t.Errorf("%d %q %q, %v, want %d %q %q", a.Status, a.Header, a.Body, err, want.StatusCode, want.Header, body)
	}
}

// A server that breaks off is an error, and so is a head without an end.
func TestReadsNoHalfAnswer(t *testing.T) {
	for _, text := range []string{"", plainAnswer[:20], plainAnswer[:len(plainAnswer)-1], "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 2*maxHead)} {
		if a, err := read(bufio.NewReaderSize(strings.NewReader(text), maxHead)); err == nil {
			t.Errorf("%.40q: %+v", text, a)
		}
	}
}
