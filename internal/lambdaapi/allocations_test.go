package lambdaapi

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// maxAllocations is the most that the API may allocate for an invocation, from the request
// that net/http has read to the answer that it is handed. Lower it when the number falls;
// a change that needs more says why.
const maxAllocations = 19 + underRace

// blank is a ResponseWriter that keeps nothing but headers, as net/http has them made.
type blank struct{ header http.Header }

func (b blank) Header() http.Header         { return b.header }
func (b blank) Write(p []byte) (int, error) { return len(p), nil }
func (b blank) WriteHeader(int)             {}

// SetReadDeadline is what http.ResponseController looks for.
func (b blank) SetReadDeadline(time.Time) error { return nil }

func TestInvokeAllocatesLittle(t *testing.T) {
	handler := New(Deps{Invoker: router(echo)}).Handler()
	const event = `{"name":"picture.png"}`
	body := bytes.NewReader(nil)
	r := httptest.NewRequest("POST", functions+"/thumbnail/invocations", io.NopCloser(body))
	r.Host, r.ContentLength = "127.0.0.1:9700", int64(len(event))
	w := blank{http.Header{}}
	got := testing.AllocsPerRun(500, func() {
		body.Reset([]byte(event))
		r.Body = io.NopCloser(body)
		clear(w.header)
		handler.ServeHTTP(w, r)
	})
	t.Logf("%g allocations for an invocation", got)
	if got > maxAllocations {
		t.Errorf("%g allocations, more than %d", got, maxAllocations)
	}
}
