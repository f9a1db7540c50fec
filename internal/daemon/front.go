package daemon

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/http1"
)

// Bounds on what a slow or idle client may hold.
const (
	headerLimit = 10 * time.Second
	idleLimit   = 2 * time.Minute
	headerBytes = 64 << 10
)

// Bounds once another server answers.
const (
	// partLimit is how long a connection may be idle: a client that sends a request on it in
	// that time is told to open another; one that does not will see that it was closed.
	partLimit = 5 * time.Second
	// finishLimit is for requests under way: Lambda's longest timeout and a start before it.
	finishLimit = 17 * time.Minute
	finishPoll  = 50 * time.Millisecond
)

// front is one listener and what answers there.
type front struct {
	gate   *gate
	server *http1.Server
	// connections holds a *life for each net.Conn. Requests only read it.
	connections sync.Map
}

// life is what is known of a connection: a count that is odd while a request is under way.
type life struct{ changes atomic.Uint64 }

func newFront(l net.Listener, h http.Handler) (*front, error) {
	g, err := newGate(l)
	if err != nil {
		return nil, err
	}
	f := &front{gate: g}
	f.server = http1.New(&http.Server{
		Handler: h, ReadHeaderTimeout: headerLimit, IdleTimeout: idleLimit, MaxHeaderBytes: headerBytes, ConnState: f.note,
	})
	return f, nil
}

// note implements http.Server.ConnState.
func (f *front) note(c net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		f.connections.Store(c, &life{})
	case http.StateActive, http.StateIdle:
		if l, ok := f.connections.Load(c); ok {
			l.(*life).changes.Add(1)
		}
	case http.StateClosed, http.StateHijacked:
		f.connections.Delete(c)
	}
}

// serve answers until ctx ends, then takes no new request and lets those under way end; or
// until moved is closed, which says that another process accepts: then it closes the
// listener, and ends with the last connection.
func (f *front) serve(ctx context.Context, moved <-chan struct{}) error {
	ended := make(chan error, 1)
	go func() { ended <- f.server.Serve(f.gate) }()
	select {
	case err := <-ended:
		return err
	case <-moved:
		err := f.gate.Close()
		<-ended // with the error of a closed listener
		return errors.Join(err, f.finish(ctx))
	case <-ctx.Done():
	}
	err := f.shutdown(ctx)
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

func (f *front) shutdown(ctx context.Context) error {
	bound, stop := cleanup.Context(ctx, closeLimit)
	defer stop()
	return f.server.Shutdown(bound)
}

// finish waits until the last connection is closed, and closes those that stay idle.
func (f *front) finish(ctx context.Context) error {
	tick := time.NewTicker(finishPoll)
	defer tick.Stop()
	seen := map[net.Conn]sight{}
	for end := time.Now().Add(finishLimit); time.Now().Before(end) && f.part(seen) > 0; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return f.shutdown(ctx)
		}
	}
	return f.server.Close()
}

// sight is how a connection was last seen.
type sight struct {
	changes uint64
	since   time.Time
}

// part closes what has been idle for long enough, and counts what is left.
func (f *front) part(seen map[net.Conn]sight) (left int) {
	now := time.Now()
	f.connections.Range(func(key, value any) bool {
		c, changes := key.(net.Conn), value.(*life).changes.Load()
		left++
		switch was, known := seen[c]; {
		case !known || was.changes != changes:
			seen[c] = sight{changes, now}
		case changes%2 == 0 && now.Sub(was.since) > partLimit:
			_ = c.Close() // its goroutine says so in note
		}
		return true
	})
	return left
}
