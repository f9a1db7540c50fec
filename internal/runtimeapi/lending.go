package runtimeapi

import (
	"context"
	"net/http"

	"lambent.dev/lambent/internal/http1"
)

// A runtime that asks over HTTP, one call after the other on one connection, is spoken to by the goroutine
// that invokes, as one with a stream is: after an answer its connection is lent to the session, and
// whoever invokes next answers the call for work and takes the answer. Between two invocations nobody
// listens. A runtime that uses another connection besides has each served by its own goroutine.

// lending is where the runtime's connection is. The session's lock guards it.
type lending struct {
	idle   *http1.Loan // of a connection that nobody serves; nil = none
	in     *http1.Loan // the one that who invokes serves
	due    *turn       // what the next call for work on that is answered with
	wanted bool        // somebody waits for a call for work, whichever goroutine reads it
	apart  bool        // the runtime uses several connections
}

// lend takes the connection on which an answer has come, if nobody waits for what comes on it.
func (s *Session) lend(l *http1.Loan) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shared || s.apart || s.wanted || s.state != answered || s.idle != nil || s.in != nil {
		return false
	}
	s.idle = l
	return true
}

// meetLocked sees every call for work and every answer, at the moment at which the state follows from it.
// One on another connection than the lent one says that the runtime uses several. Preconditions: mu is held.
func (s *Session) meetLocked(w http.ResponseWriter) {
	if s.idle == nil && (s.in == nil || s.in.Of(w)) {
		return
	}
	if s.apart = true; s.in != nil {
		s.in.Interrupt() // who serves it returns it
	}
	s.recallLocked()
}

// breakLocked ends what is going on on a lent connection. Preconditions: mu is held.
func (s *Session) breakLocked() {
	if s.in != nil {
		s.in.Break()
	}
	s.recallLocked()
}

// recallLocked has an idle connection served by its own goroutine again. Preconditions: mu is held.
func (s *Session) recallLocked() {
	if s.idle != nil {
		s.idle.Return()
		s.idle = nil
	}
}

// serve hands t over and waits until it is answered, on the runtime's connection itself where that is
// lent.
func (s *Session) serve(ctx context.Context, t *turn) error {
	l := s.borrow(t)
	if l == nil {
		return s.await(ctx, t)
	}
	stop := context.AfterFunc(ctx, func() { _ = s.giveUp(ctx) }) // which breaks it
	l.Serve(t.finished)
	late := !stop()
	switch delivered := s.giveBack(l); {
	case late:
		return context.Cause(ctx)
	case delivered:
		return s.awaitAnswer(ctx, t)
	}
	return s.await(ctx, t)
}

func (s *Session) borrow(t *turn) *http1.Loan {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted = s.idle == nil; s.wanted {
		return nil
	}
	s.in, s.idle, s.due = s.idle, nil, t
	return s.in
}

// served says whether w is of the connection that who invokes serves, and what that is to get: nothing
// more than once.
func (s *Session) served(w http.ResponseWriter) (t *turn, yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in == nil || !s.in.Of(w) {
		return nil, false
	}
	t, s.due = s.due, nil
	return t, true
}

// giveBack keeps the connection for the next invocation, or returns it, and reports whether the runtime
// has the event.
func (s *Session) giveBack(l *http1.Loan) (delivered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delivered = s.due == nil
	s.in, s.due, s.wanted = nil, nil, !delivered
	if delivered && !s.apart && s.state == answered {
		s.idle = l
		return true
	}
	l.Return()
	return delivered
}
