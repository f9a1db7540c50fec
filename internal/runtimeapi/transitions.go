package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"lambent.dev/lambent/internal/http1"
	"lambent.dev/lambent/internal/lambda"
)

// errRequestID is the answer to a request about an invocation that is not current.
var errRequestID = errors.New("invalid request id")

// transitionError is the answer to an event that the state does not allow.
type transitionError struct{ from, to state }

// Error returns the text that AWS's runtime API uses.
func (e *transitionError) Error() string {
	return fmt.Sprintf("State transition from %s to %s failed for runtime. Error: State transition is not allowed", e.from, e.to)
}

// begin takes a sign of life.
func (s *Session) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beginLocked()
}

// initTook notes what the runtime says of its initialisation, before it rests.
func (s *Session) initTook(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == starting || s.state == initialising {
		s.took = d
	}
}

func (s *Session) beginLocked() {
	if s.state == starting {
		s.state, s.begunAt = initialising, time.Now()
		close(s.begun)
	}
}

// rest takes the runtime's word that it is ready for work: the first ends its
// initialisation. It returns what was offered to it for that moment. w answers that word; nil with frames.
func (s *Session) rest(w http.ResponseWriter) (*turn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meetLocked(w)
	s.beginLocked()
	first := s.state == initialising
	switch s.state {
	case initialising, idle, answered:
		s.state = idle
	default:
		return nil, &transitionError{s.state, idle}
	}
	if !first {
		return nil, nil
	}
	s.readyAt = time.Now()
	defer close(s.ready)
	return s.acceptLocked(), nil
}

// rests says whether the runtime is ready for work.
func (s *Session) rests() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == idle
}

// take waits for an invocation. The runtime has it from here on.
func (s *Session) take(ctx context.Context) (*turn, error) {
	select {
	case t := <-s.offer:
		return t, s.deliver(t)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-s.closed:
		return nil, s.Err()
	}
}

// watchAfter is how long nobody looks whether a runtime that waits for work is still there.
const watchAfter = time.Second

// next takes the word of a runtime that asks over HTTP that it is ready, and waits for work.
func (s *Session) next(w http.ResponseWriter, r *http.Request) (*turn, error) {
	s.ask()
	t, err := s.rest(w)
	if t != nil || err != nil {
		return t, err
	}
	switch t, served := s.served(w); {
	case served && t == nil:
		return nil, &transitionError{answered, idle}
	case served:
		return s.hand(t, r)
	}
	return s.takeFor(r)
}

// takeFor is take for a runtime that asks over HTTP. To look for one that leaves costs two
// wake-ups, so that begins late; of one that left before, it is seen when it is to get
// something, which another gets then.
func (s *Session) takeFor(r *http.Request) (*turn, error) {
	late := time.NewTimer(watchAfter)
	defer late.Stop()
	select {
	case t := <-s.offer:
		return s.hand(t, r)
	case <-late.C:
		return s.take(r.Context())
	case <-s.closed:
		return nil, s.Err()
	}
}

// hand delivers t to a runtime that has asked for it and may have left since.
func (s *Session) hand(t *turn, r *http.Request) (*turn, error) {
	if http1.Left(r) {
		t.lose(errLeft)
		return nil, errLeft
	}
	return t, s.deliver(t)
}

// errLeft says that a runtime was not there any more to get what it had asked for.
var errLeft = errors.New("the runtime has closed its connection")

func (s *Session) deliver(t *turn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == closed {
		return fmt.Errorf("%w: %w", ErrClosed, s.cause)
	}
	t.deliver(time.Now())
	if s.shared {
		s.turns[t.event.ID], t.phase = t, invoking
		return nil
	}
	s.turn, s.state = t, invoking
	return nil
}

// current returns the turn that an answer may begin for. Id "" is the current one:
// frames carry none, and have no w, which answers the answer.
func (s *Session) current(w http.ResponseWriter, id string) (*turn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meetLocked(w)
	s.beginLocked()
	if s.shared {
		return s.answerLocked(s.turns[id])
	}
	if id != "" && (s.turn == nil || s.turn.event.ID != id) {
		return nil, errRequestID
	}
	if s.state != invoking {
		return nil, &transitionError{s.state, answering}
	}
	s.state = answering
	return s.turn, nil
}

// answer begins the answer to t, a turn of a shared session; nil is none.
func (s *Session) answer(t *turn) (*turn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answerLocked(t)
}

func (s *Session) answerLocked(t *turn) (*turn, error) {
	switch {
	case t == nil:
		return nil, errRequestID
	case s.state == closed:
		return nil, &transitionError{closed, answering}
	case t.phase != invoking:
		return nil, &transitionError{t.phase, answering}
	}
	t.phase = answering
	return t, nil
}

// forget takes an answered turn out of a shared session. Preconditions: mu is held.
func (s *Session) forget(t *turn) {
	t.phase = answered
	if s.turns[t.event.ID] == t {
		delete(s.turns, t.event.ID)
	}
}

// lose ends t without an answer: its worker has ended.
func (s *Session) lose(t *turn) {
	s.mu.Lock()
	s.forget(t)
	s.mu.Unlock()
	t.lose(ErrWorkerLost)
}

// complete ends the answer to t and goes to the next state in one step: once t is
// finished the host may hand over another.
func (s *Session) complete(t *turn, fault *lambda.FunctionError, next state) {
	s.mu.Lock()
	if s.shared {
		s.forget(t)
	} else if s.state == answering && s.turn == t {
		s.state, s.wanted = next, false
	}
	s.mu.Unlock()
	t.finish(fault)
}

// errLast is why a session closes with the answer of a runtime that then ends.
var errLast = errors.New("the runtime ends after an error")

// completeLast ends the answer to t and the session: the host hands over no other. Who
// waits for the answer finds it before the end.
func (s *Session) completeLast(t *turn, fault *lambda.FunctionError) {
	s.mu.Lock()
	ends := s.state == answering && s.turn == t || s.shared && s.state != closed
	if ends {
		s.state, s.cause = closed, errLast
	}
	s.mu.Unlock()
	t.finish(fault)
	if ends {
		close(s.closed)
	}
}

// failInit takes the runtime's report that its initialisation failed.
func (s *Session) failInit(fault *lambda.FunctionError) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beginLocked()
	if s.state != initialising {
		return &transitionError{s.state, failed}
	}
	s.state, s.initErr = failed, fault
	close(s.ready)
	return nil
}

// mayFailInit says whether failInit would be taken now.
func (s *Session) mayFailInit() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beginLocked()
	if s.state != initialising {
		return &transitionError{s.state, failed}
	}
	return nil
}
