package http1

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/nowait"
)

// Causes of a request's end.
var (
	errLeft     = errors.New("the client closed the connection")
	errAnswered = errors.New("the request was answered")
)

// requestContext ends with its handler, or when the client closes the connection. For the
// latter somebody has to look; that begins when the end is asked for and the body is read, so
// that a handler that never asks costs nobody a wake-up.
type requestContext struct {
	conn *conn

	mu     sync.Mutex // guards what follows
	inner  context.Context
	cancel context.CancelCauseFunc
	read   bool          // the body is
	over   bool          // the handler is
	looked chan struct{} // closed when nobody looks any more; nil: nobody did
}

func newRequestContext(c *conn, read bool) *requestContext {
	return &requestContext{conn: c, read: read}
}

// Deadline implements context.Context.
func (x *requestContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context.
func (x *requestContext) Done() <-chan struct{} { return x.asked().Done() }

// Err implements context.Context.
func (x *requestContext) Err() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.inner != nil:
		return x.inner.Err()
	case x.over:
		return context.Canceled
	}
	return nil
}

// Value implements context.Context. What net/http has there is there; the context that others
// derive theirs from is the inner one.
func (x *requestContext) Value(key any) any {
	switch key {
	case http.ServerContextKey:
		return x.conn.server.http
	case http.LocalAddrContextKey:
		return x.conn.LocalAddr()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.inner == nil {
		return nil
	}
	return x.inner.Value(key)
}

// asked returns the context that ends, and has somebody look for the client.
func (x *requestContext) asked() context.Context {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.inner == nil {
		x.inner, x.cancel = context.WithCancelCause(context.Background())
		if x.over {
			x.cancel(errAnswered)
		}
		x.look()
	}
	return x.inner
}

// allRead says that the body is: what comes now is another request, or the end.
func (x *requestContext) allRead() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.read = true
	x.look()
}

// look has the connection watched once it is due. Preconditions: mu is held.
func (x *requestContext) look() {
	if x.inner == nil || !x.read || x.over || x.looked != nil {
		return
	}
	x.looked = make(chan struct{})
	_ = x.conn.Conn.SetReadDeadline(time.Time{}) // fails when closed, which is seen then
	go x.watch(x.looked)                         // ends by end
}

// watch cancels the context when the client has closed the connection, and ends when it has
// sent more: that is another request.
func (x *requestContext) watch(looked chan<- struct{}) {
	defer close(looked)
	raw, err := x.conn.SyscallConn()
	if err != nil {
		return // something in memory: nobody can look without reading
	}
	gone := false
	err = raw.Read(func(fd uintptr) (done bool) {
		gone, done = left(int(fd))
		return done
	})
	if gone || err != nil && !isTimeout(err) {
		x.cancel(errLeft)
	}
}

// Left reports whether the client of a request has closed its connection, without waiting, and
// without having anybody look from now on. Of a request that net/http answers it says what
// that knows.
func Left(r *http.Request) bool {
	x, ours := r.Context().(*requestContext)
	if !ours || x.conn.io.Raw() == nil {
		return r.Context().Err() != nil
	}
	gone := false
	err := x.conn.io.Raw().Control(func(fd uintptr) { gone, _ = left(int(fd)) })
	return gone || err != nil
}

// left reports whether the other end of a socket is closed, and whether that is known.
func left(fd int) (gone, known bool) {
	var b [1]byte
	n, err := nowait.Peek(fd, b[:])
	switch {
	case errors.Is(err, unix.EAGAIN):
		return false, false
	case err != nil || n == 0:
		return true, true
	}
	return false, true
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// end ends the context and whoever looks.
func (x *requestContext) end() {
	x.mu.Lock()
	x.over = true
	cancel, looked := x.cancel, x.looked
	x.mu.Unlock()
	if looked != nil {
		_ = x.conn.Conn.SetReadDeadline(time.Unix(1, 0)) // as in look
		<-looked
		x.conn.deadline = time.Time{}
		_ = x.conn.Conn.SetReadDeadline(time.Time{}) // as in look
	}
	if cancel != nil {
		cancel(errAnswered)
	}
}
