package runtimeapi

import (
	"context"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// Offered is the first invocation of a runtime that is being started and will ask for it over
// HTTP: its event is the answer to the first call for work, by the goroutine that reads that
// call. Else whoever invokes would be woken to hand it over.
type Offered struct {
	session *Session
	turn    *turn
	asked   func()
}

// Offer has the first call for work of a runtime that is about to be started answered with e,
// whose Timeout counts from then. asked is called by that call before it ends the
// initialisation. The session is not shared.
func (s *Session) Offer(e Event, sink lambda.Sink, asked func()) *Offered {
	o := &Offered{session: s, turn: newTurn(e, sink), asked: asked}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offered = o
	return o
}

// ask tells who has made an offer that the runtime asks for work.
func (s *Session) ask() {
	s.mu.Lock()
	o := s.offered
	s.mu.Unlock()
	if o != nil {
		o.asked()
	}
}

// acceptLocked hands over what was offered, if anything was, at the moment at which the
// runtime is ready. Preconditions: mu is held, the runtime is idle.
func (s *Session) acceptLocked() *turn {
	if s.offered == nil {
		return nil
	}
	t := s.offered.turn
	t.event.Deadline = s.readyAt.Add(t.event.Timeout)
	t.deliver(s.readyAt)
	s.offered, s.turn, s.state, s.busy = nil, t, invoking, true
	return t
}

// withdraw takes the offer back; false when the runtime has it already.
func (o *Offered) withdraw() bool {
	s := o.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.offered != o {
		return false
	}
	s.offered = nil
	return true
}

// Seen says whether the runtime has the event.
func (o *Offered) Seen() bool {
	o.session.mu.Lock()
	defer o.session.mu.Unlock()
	return o.session.offered != o && o.session.turn == o.turn
}

// Initialise waits until the runtime is ready, and so has the event, or has reported that it
// will not be: see InitError. The error of a ctx that ends first is its cause: the runtime then
// gets no event any more.
func (o *Offered) Initialise(ctx context.Context) error {
	select {
	case <-o.session.ready:
		return nil
	case <-o.session.closed:
		return o.session.Err()
	case <-ctx.Done():
	}
	if o.withdraw() {
		return context.Cause(ctx)
	}
	return nil
}

// Deliver is nil: a runtime that is ready has the event.
func (o *Offered) Deliver() error { return nil }

// Answers says whether the runtime answers within d.
func (o *Offered) Answers(d time.Duration) bool {
	late := time.NewTimer(d)
	defer late.Stop()
	select {
	case <-o.turn.done:
	case <-o.session.closed:
	case <-late.C:
		return false
	}
	return true
}

// Answer waits for the answer to the event, as Invoke does.
func (o *Offered) Answer(ctx context.Context) (Outcome, error) {
	defer o.session.release()
	err := o.session.awaitAnswer(ctx, o.turn)
	return o.turn.revoke(), err
}
