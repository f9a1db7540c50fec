package http1

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"lambent.dev/lambent/internal/kernel/nowait"
)

// Server answers what comes to its listeners. Make one with New.
type Server struct {
	http   *http.Server // the rest, and all settings
	handed *handed      // the listener of that

	dates dates

	begin sync.Once

	mu      sync.Mutex // guards what follows
	closing bool
	open    map[net.Listener]struct{}
	conns   map[*conn]struct{} // that have not been handed over

	serving sync.WaitGroup // one for each of conns
}

// New returns a server with the settings of another, which gets what is not plain: its
// Handler, ConnState, ErrorLog, ReadHeaderTimeout and IdleTimeout are heeded here too. ConnState
// hears of a connection that is handed over as new once more.
func New(settings *http.Server) *Server {
	return &Server{http: settings, handed: newHanded(), open: map[net.Listener]struct{}{}, conns: map[*conn]struct{}{}}
}

// Serve accepts from l until it is closed, which is what the error says; after Shutdown or
// Close it is http.ErrServerClosed. Connections live on until one of those is called.
func (s *Server) Serve(l net.Listener) error {
	if !s.listen(l) {
		_ = l.Close() // nobody will
		return http.ErrServerClosed
	}
	s.begin.Do(func() { go func() { _ = s.http.Serve(s.handed) }() }) // ends by Shutdown or Close
	for wait := time.Duration(0); ; {
		c, err := l.Accept()
		switch {
		case err == nil:
			wait = 0
			s.start(c)
			continue
		case s.isClosing():
			return http.ErrServerClosed
		case !temporary(err):
			return err
		}
		wait = min(max(2*wait, 5*time.Millisecond), time.Second)
		time.Sleep(wait) // no descriptors, say: as net/http does
	}
}

// temporary reports whether a listener goes on after an error.
func temporary(err error) bool {
	var e interface{ Temporary() bool }
	return errors.As(err, &e) && e.Temporary()
}

func (s *Server) listen(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.open[l] = struct{}{}
	return true
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// start serves a connection.
func (s *Server) start(accepted net.Conn) {
	c := &conn{Conn: accepted, io: nowait.Of(accepted), server: s, since: time.Now(), buf: make([]byte, headBytes)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		_ = accepted.Close() // it has not been heard
		return
	}
	s.conns[c] = struct{}{}
	s.serving.Add(1)
	c.say(http.StateNew)
	go c.serve() // ends with the connection, or when it is handed over
}

// forget takes a connection out that has ended or was handed over.
func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.serving.Done()
}

// Shutdown closes listeners and idle connections and waits until the others have had their
// answers, or for the end of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.stop()
	rest := s.http.Shutdown(ctx) // first: what is handed over from now on is closed
	done := make(chan struct{})
	go func() { // ends when the requests have
		defer close(done)
		s.serving.Wait()
	}()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		s.closeIdle()
		select {
		case <-done:
			return errors.Join(err, rest)
		case <-tick.C: // those that were too young to be idle
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		}
	}
}

// Close closes listeners and connections at once.
func (s *Server) Close() error {
	err := s.stop()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Conn.Close() // its goroutine sees it
	}
	s.mu.Unlock()
	return errors.Join(err, s.http.Close())
}

// stop accepts nothing more.
func (s *Server) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	var failed []error
	for l := range s.open {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			failed = append(failed, err)
		}
		delete(s.open, l)
	}
	s.handed.close()
	return errors.Join(failed...)
}

// youth is how long a connection may be about to send its first request.
const youth = 5 * time.Second

func (s *Server) closeIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		young := c.requests.Load() == 0 && time.Since(c.since) < youth
		if !young && c.state.CompareAndSwap(resting, closed) {
			_ = c.Conn.Close() // its goroutine sees it
		}
	}
}

// handed is the listener of connections that net/http is to have.
type handed struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newHanded() *handed { return &handed{conns: make(chan net.Conn), done: make(chan struct{})} }

// Accept implements net.Listener.
func (h *handed) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handed) Close() error { h.close(); return nil }

func (h *handed) close() { h.once.Do(func() { close(h.done) }) }

// Addr implements net.Listener: of what it stands for there may be several.
func (h *handed) Addr() net.Addr { return &net.TCPAddr{} }

// give hands a connection over, or closes it when nobody takes one any more.
func (h *handed) give(c net.Conn) {
	select {
	case h.conns <- c:
	case <-h.done:
		_ = c.Close() // as every idle one
	}
}
