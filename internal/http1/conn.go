package http1

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"lambent.dev/lambent/internal/kernel/nowait"
)

// What a connection is doing.
const (
	resting int32 = iota // it waits for a request
	working
	closed // by Shutdown
)

// conn is one connection. It belongs to the goroutine that runs serve, until net/http gets it.
type conn struct {
	net.Conn
	server *Server
	io     *nowait.Conn // what was accepted, for short pieces
	since  time.Time

	state    atomic.Int32
	requests atomic.Int64

	buf      []byte // what was read ahead: buf[from:to]
	from, to int

	deadline time.Time // for reading, as it was last set
	parse    parser
	out      []byte // of an answer's head; kept for the next
}

// serve answers requests until the connection ends or goes to net/http.
func (c *conn) serve() {
	defer c.server.forget(c)
	for {
		head, err := c.next()
		if err != nil {
			c.end()
			return
		}
		var r *http.Request
		if head > 0 {
			r = c.parse.request(c.buf[c.from : c.from+head])
		}
		if r == nil {
			c.handOver()
			return
		}
		c.from += head
		if !c.answer(r) {
			c.end()
			return
		}
		c.rest()
	}
}

// next waits for a request and returns the length of its head, 0 if it is not plain.
func (c *conn) next() (int, error) {
	if c.from == c.to {
		c.from, c.to = 0, 0
		if err := c.read(); err != nil {
			return 0, err
		}
	}
	if !c.state.CompareAndSwap(resting, working) {
		return 0, net.ErrClosed
	}
	c.say(http.StateActive)
	return plain(c.buf[c.from:c.to]), nil
}

// read waits for the first bytes of a request, as long as an idle connection may last.
func (c *conn) read() error {
	c.waitAtMost(c.server.http.IdleTimeout)
	n, err := c.io.Read(c.buf)
	c.to = n
	if n > 0 {
		return nil
	}
	return err
}

// slack is by how much a deadline may be late: it is not set anew for each request.
const slack = time.Second

// waitAtMost bounds the wait for a request. 0 is no bound.
func (c *conn) waitAtMost(d time.Duration) {
	if d <= 0 {
		return
	}
	if at := time.Now().Add(d + slack); at.Sub(c.deadline) > slack {
		c.deadline = at
		_ = c.Conn.SetReadDeadline(at) // fails when closed: so will reading
	}
}

// rest says that the answer is out.
func (c *conn) rest() {
	c.requests.Add(1)
	c.state.CompareAndSwap(working, resting)
	c.say(http.StateIdle)
}

func (c *conn) end() {
	_ = c.Conn.Close() // there is nobody to tell
	c.say(http.StateClosed)
}

// handOver gives the connection to net/http, with what was read of it.
func (c *conn) handOver() {
	_ = c.Conn.SetReadDeadline(time.Time{}) // as above; net/http sets its own
	c.server.handed.give(c)
}

func (c *conn) say(s http.ConnState) {
	if hook := c.server.http.ConnState; hook != nil {
		hook(c, s)
	}
}

// Read implements net.Conn: what was read ahead comes first.
func (c *conn) Read(p []byte) (int, error) {
	if c.from < c.to {
		n := copy(p, c.buf[c.from:c.to])
		c.from += n
		return n, nil
	}
	return c.io.Read(p)
}

// NetConn returns what was accepted, as tls.Conn's does. What was read ahead stays here: read
// that first.
func (c *conn) NetConn() net.Conn { return c.Conn }

// SyscallConn implements syscall.Conn, where what was accepted does.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	if raw := c.io.Raw(); raw != nil {
		return raw, nil
	}
	return nil, errors.ErrUnsupported
}

// answer runs the handler. It reports whether the connection can take another request.
func (c *conn) answer(r *http.Request) bool {
	b := &body{conn: c, left: r.ContentLength, ctx: newRequestContext(c, r.ContentLength == 0)}
	r.RemoteAddr = c.remote()
	w := newResponse(c, b)
	ok := c.run(w, b.of(r))
	b.ctx.end()
	return ok && w.finish() == nil && !w.close && b.drain()
}

// run calls the handler; false if it panicked: whoever asked sees the connection end.
func (c *conn) run(w *response, r *http.Request) (ok bool) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		ok = false
		if cause != http.ErrAbortHandler && c.server.http.ErrorLog != nil {
			c.server.http.ErrorLog.Printf("http1: panic serving %s: %v\n%s", c.remote(), cause, debug.Stack())
		}
	}()
	c.server.http.Handler.ServeHTTP(w, r)
	return true
}

func (c *conn) remote() string {
	if c.parse.remote == "" {
		c.parse.remote = c.RemoteAddr().String()
	}
	return c.parse.remote
}

// parser has what is used again for each head.
type parser struct {
	text   bytes.Reader
	lines  *bufio.Reader
	remote string
}

// request parses a plain head, by net/http; nil if that finds anything wrong.
func (p *parser) request(head []byte) *http.Request {
	p.text.Reset(head)
	if p.lines == nil {
		p.lines = bufio.NewReaderSize(&p.text, headBytes)
	}
	p.lines.Reset(&p.text)
	r, err := http.ReadRequest(p.lines)
	if err != nil {
		return nil
	}
	return r
}
