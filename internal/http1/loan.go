package http1

import (
	"net/http"
	"sync"
	"time"
)

// Loan is a connection whose own goroutine rests while another answers what comes on it. Who waits
// for what a request brings reads and answers that itself, and nobody has to be woken between
// the two. It has one borrower at a time.
type Loan struct {
	conn  *conn
	back  chan struct{} // closed by Return
	ended bool          // the borrower's: the connection can take no other request

	mu      sync.Mutex // guards what follows
	waiting bool       // for a request
	stopped bool       // by Interrupt
}

// Lend has lent called by the connection's goroutine when the answer to a request is out. If it
// takes the loan, by true, that goroutine rests until Return. Connections that are net/http's are not
// lent.
func Lend(w http.ResponseWriter, lent func(*Loan) bool) {
	if r, ours := w.(*response); ours {
		r.lend = lent
	}
}

// lendOut lends the connection if the last handler wanted it, waits until it is returned, and
// reports whether it can be served further.
func (c *conn) lendOut() bool {
	lend := c.lend
	if c.lend = nil; lend == nil {
		return true
	}
	l := &Loan{conn: c, back: make(chan struct{})}
	if !lend(l) {
		return true
	}
	<-l.back
	if l.ended {
		c.end()
	}
	return !l.ended
}

// Of reports whether w answers a request on this connection.
func (l *Loan) Of(w http.ResponseWriter) bool {
	r, ours := w.(*response)
	return ours && r.conn == l.conn
}

// Serve answers requests until enough, which it asks before it waits for each and when that has come. It
// returns earlier after Interrupt, when the connection ends, and when what comes is for net/http: then it is to
// be returned. What has come and was not answered is for who serves the connection next.
func (l *Loan) Serve(enough func() bool) {
	for !enough() && l.next() {
		var r *http.Request
		if !enough() { // or another connection brought it meanwhile, and this is about something else
			r = l.conn.request()
		}
		if r == nil {
			l.conn.state.CompareAndSwap(working, resting)
			return
		}
		if !l.conn.answer(r) {
			l.ended = true
			l.Interrupt()
			return
		}
		l.conn.lend = nil // it is
		l.conn.rest()
	}
}

// next waits for a request, if nothing speaks against it.
func (l *Loan) next() bool {
	if !l.wait() {
		return false
	}
	err := l.conn.next()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = false
	if l.stopped {
		l.conn.deadline = time.Time{}
		_ = l.conn.Conn.SetReadDeadline(time.Time{}) // fails when closed; then reading does, too
	}
	return err == nil // else its own goroutine finds the same, or goes on
}

func (l *Loan) wait() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = !l.stopped
	return l.waiting
}

// Interrupt ends Serve, unless it is in the middle of a request: then after that. It may be called by
// anybody, at any time.
func (l *Loan) Interrupt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped = true; l.waiting {
		_ = l.conn.Conn.SetReadDeadline(time.Unix(1, 0)) // as in next
	}
}

// Break ends Serve in the middle of a request, too: it closes the connection. It may be called by anybody, at
// any time.
func (l *Loan) Break() { _ = l.conn.Conn.Close() } // there is nobody to tell

// Return gives the connection back to its goroutine, once. Preconditions: nobody serves it.
func (l *Loan) Return() { close(l.back) }
