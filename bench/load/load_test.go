package load

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestConnIsReused(t *testing.T) {
	var remotes atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Type") == "application/json" {
			remotes.Add(1)
		}
		w.Header().Set("X-Path", r.URL.Path)
		_, _ = io.Copy(w, r.Body)
	}))
	defer srv.Close()
	addr := strings.TrimPrefix(srv.URL, "http://")
	c, err := Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, body := range []string{`{}`, `{"name":"you"}`, ``} {
		a, err := c.Do(Post(addr, "/a", []byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		if a.Status != http.StatusOK || string(a.Body) != body || a.Header.Get("X-Path") != "/a" || a.Took <= 0 {
			t.Errorf("%q: got %+v", body, a)
		}
	}
	if remotes.Load() != 3 {
		t.Errorf("%d requests arrived", remotes.Load())
	}
}

// Who dials with a deadline waits for no answer after it.
func TestConnEndsWithItsContext(t *testing.T) {
	hang := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer srv.Close()
	defer close(hang)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	addr := strings.TrimPrefix(srv.URL, "http://")
	c, err := Dial(ctx, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Do(Post(addr, "/", nil)); !errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() == nil {
		t.Errorf("%v, and the context %v", err, ctx.Err())
	}
}

// A server that stops for a while must show in every request that was meant to be sent
// meanwhile, not in one: that is what coordinated omission hides.
func TestOpenLoopCountsThoseThatHadToWait(t *testing.T) {
	const stall = 100 * time.Millisecond
	var slow atomic.Int32
	var first atomic.Bool
	err := Open(t.Context(), 1, 200, 300*time.Millisecond, func(_ int, meant time.Time) error {
		if first.CompareAndSwap(false, true) {
			time.Sleep(stall)
		}
		if time.Since(meant) > stall/4 {
			slow.Add(1)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// 200/s for the 75 ms in which a request waits for more than a quarter of the stall.
	if got := slow.Load(); got < 8 {
		t.Errorf("%d requests saw the stall, want about 15", got)
	}
}

func TestOpenLoopSendsAllAtItsRate(t *testing.T) {
	var calls atomic.Int32
	began := time.Now()
	err := Open(t.Context(), 4, 500, 200*time.Millisecond, func(int, time.Time) error { calls.Add(1); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if calls.Load() != 100 || time.Since(began) < 190*time.Millisecond {
		t.Errorf("%d calls in %v, want 100 in 200 ms", calls.Load(), time.Since(began))
	}
}

func TestLoopsEndWithTheirErrorOrContext(t *testing.T) {
	fail := func(int) error { return io.ErrUnexpectedEOF }
	if err := Closed(t.Context(), 3, time.Minute, fail); err != io.ErrUnexpectedEOF {
		t.Error(err)
	}
	if err := Burst(3, fail); err != io.ErrUnexpectedEOF {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(io.ErrClosedPipe)
	if err := Closed(ctx, 1, time.Minute, func(int) error { return nil }); err != io.ErrClosedPipe {
		t.Error(err)
	}
	if err := Open(ctx, 1, 10, time.Minute, func(int, time.Time) error { return nil }); err != io.ErrClosedPipe {
		t.Error(err)
	}
	if err := Open(t.Context(), 2, 1000, 50*time.Millisecond, func(int, time.Time) error { return io.ErrUnexpectedEOF }); err != io.ErrUnexpectedEOF {
		t.Error(err)
	}
}
