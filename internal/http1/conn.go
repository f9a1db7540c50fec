package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
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
	out      []byte           // of an answer's head; kept for the next
	posted   bool             // the last request was a POST
	lend     func(*Loan) bool // what its handler asked for; nil = nothing
}

// serve answers requests until the connection ends or goes to net/http.
func (c *conn) serve() {
	defer c.server.forget(c)
	for c.serveNext() && c.lendOut() {
	}
}

// serveNext reports whether the connection can take another request, and is here still.
func (c *conn) serveNext() bool {
	if err := c.next(); err != nil {
		c.end()
		return false
	}
	r := c.request()
	if r == nil {
		c.handOver()
		return false
	}
	if !c.answer(r) {
		c.end()
		return false
	}
	c.rest()
	return true
}

// next waits for a request.
func (c *conn) next() error {
	if c.from == c.to {
		c.from, c.to = 0, 0
		if err := c.read(); err != nil {
			return err
		}
	}
	if err := c.readLeast(); err != nil {
		return err
	}
	if !c.state.CompareAndSwap(resting, working) {
		return net.ErrClosed
	}
	c.say(http.StateActive)
	return nil
}

// least is how many bytes net/http wants to see of a request that is not a connection's first, before it
// says anything to it.
const least = 4

// readLeast reads on until they are there.
func (c *conn) readLeast() error {
	if c.requests.Load() == 0 || c.to-c.from >= least {
		return nil
	}
	c.from, c.to = 0, copy(c.buf, c.buf[c.from:c.to])
	n, err := io.ReadAtLeast(c.Conn, c.buf[c.to:], least-c.to)
	c.to += n
	return err
}

// request parses the head of a request that has come; nil if it is not plain, or net/http
// finds anything wrong: then nothing was taken.
func (c *conn) request() *http.Request {
	head, chunked := plain(c.buf[c.from:c.to])
	if head == 0 {
		return nil
	}
	from := c.from
	if !chunked {
		c.from += head
	}
	r := c.parse.request(c, c.buf[from:from+head], chunked)
	if r == nil {
		c.from = from
	}
	return r
}

// unread gives back what was read beyond a body in chunks.
func (c *conn) unread() {
	rest := c.parse.lines.Buffered()
	if rest == 0 {
		return
	}
	ahead, _ := c.parse.lines.Peek(rest) // it is there
	c.from = 0
	c.to = copy(c.buf, ahead)
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
	if c.posted {
		c.skipLineEnds()
	}
	_ = c.Conn.SetReadDeadline(time.Time{}) // as above; net/http sets its own
	c.server.handed.give(c)
}

// skipLineEnds forgives old clients some after a body, as net/http does.
func (c *conn) skipLineEnds() {
	for range least {
		if c.from < c.to && (c.buf[c.from] == '\r' || c.buf[c.from] == '\n') {
			c.from++
		}
	}
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
	b := &body{conn: c, left: max(r.ContentLength, 0), ctx: newRequestContext(c, r.ContentLength == 0)}
	r.RemoteAddr = c.remote()
	c.posted = r.Method == http.MethodPost
	w := newResponse(c, b)
	ok := c.run(w, b.of(r))
	b.ctx.end()
	if !ok || w.finish() != nil {
		return false
	}
	if w.close && b.left > 0 || !b.drain() {
		c.linger()
		return false
	}
	c.lend = w.lend
	return !w.close
}

// lingerFor is how long a client may go on sending a body that nobody reads.
const lingerFor = time.Second / 2

// linger drops what still comes before the connection is closed: closing it while something is
// unread would make the kernel drop the answer on its way (as net/http knows).
func (c *conn) linger() {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // fails when closed; then reading does, too
	}
	_ = c.Conn.SetReadDeadline(time.Now().Add(lingerFor)) // as above
	_, _ = io.Copy(io.Discard, c.Conn)                    // until the deadline, or the client has closed
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

// request parses a plain head, by net/http; nil if that finds anything wrong. Where the body comes in
// chunks net/http reads on from c, the head first, and takes it apart.
func (p *parser) request(c *conn, head []byte, chunked bool) *http.Request {
	var from io.Reader = c
	if !chunked {
		p.text.Reset(head)
		from = &p.text
	}
	if p.lines == nil {
		p.lines = bufio.NewReaderSize(from, headBytes)
	}
	p.lines.Reset(from)
	r, err := http.ReadRequest(p.lines)
	if err != nil {
		return nil
	}
	return r
}
