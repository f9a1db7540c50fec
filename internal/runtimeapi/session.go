package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// Errors that callers tell apart.
var (
	// ErrClosed is wrapped by what a session answers once it is closed; the cause of
	// Close is wrapped too.
	ErrClosed = errors.New("runtime session is closed")
	// ErrNotReady is the answer to Invoke before the runtime is initialised, after its
	// initialisation failed, or while another invocation runs and the session is not shared.
	ErrNotReady = errors.New("runtime is not ready for an invocation")
	// ErrWorkerLost is the answer to Invoke when the worker that had the invocation ended
	// and the others of its runtime go on.
	ErrWorkerLost = errors.New("the runtime's worker ended")
)

// state is where a session stands. The runtime moves it, except to invoking and
// closed.
type state int

const (
	starting     state = iota // the process runs, nothing was heard of it
	initialising              // it spoke
	failed                    // it reported that its initialisation failed
	idle                      // it asked for work
	invoking                  // it has an invocation
	answering                 // its answer is on its way
	answered                  // answered; it has not asked for work again
	closed
)

var stateNames = [...]string{"Starting", "Initializing", "InitError", "Ready", "Running", "Responding", "Responded", "Closed"}

// String returns the state's name as the runtime's error bodies show it.
func (s state) String() string { return stateNames[s] }

// Session is the talk with one runtime process, from its start to its end: the state
// machine behind both codecs. The host side is Begun, Initialised, InitError, Invoke
// and Close; the runtime's side is a codec: ServeFrames or Handler.
type Session struct {
	begun  chan struct{}
	ready  chan struct{}
	closed chan struct{}
	offer  chan *turn
	shared bool

	mu      sync.Mutex // guards what follows, and the phases of turns
	state   state
	link    *link            // the stream, of a framed session that is not shared
	turn    *turn            // the current or last one; not of a shared session
	turns   map[string]*turn // by request id, delivered and not answered; of a shared session
	busy    bool             // Invoke runs; not of a shared session
	initErr *lambda.FunctionError
	took    time.Duration // the initialisation, if the runtime says so
	cause   error
	offered *Offered // what the first call for work is answered with; nil = nothing waits
	lending          // not of a shared session

	begunAt time.Time // written before begun is closed
	readyAt time.Time // written before ready is closed; zero where the initialisation failed
}

// NewSession returns the session of a runtime that is being started.
func NewSession() *Session {
	return &Session{
		begun: make(chan struct{}), ready: make(chan struct{}),
		closed: make(chan struct{}), offer: make(chan *turn),
	}
}

// NewSharedSession returns the session of a runtime that is being started and that takes
// many invocations at once. How many is the caller's to bound.
func NewSharedSession() *Session {
	s := NewSession()
	s.shared, s.turns = true, map[string]*turn{}
	return s
}

// Begun is closed at the runtime's first sign of life.
func (s *Session) Begun() <-chan struct{} { return s.begun }

// Initialised is closed when the runtime is ready for work or has reported that its
// initialisation failed: see InitError.
func (s *Session) Initialised() <-chan struct{} { return s.ready }

// BegunAt is when Begun was closed. Preconditions: it is.
func (s *Session) BegunAt() time.Time { return s.begunAt }

// ReadyAt is when the runtime was ready for work. Preconditions: Initialised is closed, and
// InitError is nil.
func (s *Session) ReadyAt() time.Time { return s.readyAt }

// InitError is what the runtime reported instead of becoming ready, or nil.
func (s *Session) InitError() *lambda.FunctionError {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.initErr
}

// InitTook is how long the initialisation took by the runtime's own measure; 0 where it
// says nothing, and Begun and Initialised tell.
func (s *Session) InitTook() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.took
}

// Done is closed when the session is.
func (s *Session) Done() <-chan struct{} { return s.closed }

// Err says why the session is closed: it wraps ErrClosed and the cause. Nil before.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != closed {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrClosed, s.cause)
}

// Close ends the session: whoever waits in it is let go. Only the first cause counts.
func (s *Session) Close(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == closed {
		return
	}
	s.state, s.cause = closed, cause
	s.breakLocked()
	close(s.closed)
}

// Outcome is how an invocation went.
type Outcome struct {
	Delivered time.Time             // handed over to the runtime; zero if it was not
	FirstByte time.Time             // the answer's head arrived; zero if none did
	Bytes     int64                 // of the answer that the sink took
	Error     *lambda.FunctionError // the function's error, nil if it succeeded
}

// Invoke hands an invocation over and waits for the answer, which goes to the sink's
// Head and Write as it comes. It never calls Finish: that is the caller's, and after
// Invoke has returned nothing else uses the sink.
//
// When ctx ends first the session is closed with its cause: a runtime that did not
// answer in time is not spoken to again. A shared session goes on for the others: an
// answer that comes late is taken and dropped.
func (s *Session) Invoke(ctx context.Context, e Event, sink lambda.Sink) (Outcome, error) {
	t := newTurn(e, sink)
	l, err := s.reserve()
	if err != nil {
		return Outcome{}, err
	}
	defer s.release()
	if l != nil {
		err = l.exchange(ctx, t)
	} else {
		for err = s.serve(ctx, t); errors.Is(err, errLeft); err = s.serve(ctx, t) {
			t = newTurn(e, sink)
		}
	}
	return t.revoke(), err
}

// attach names the stream that invocations go over.
func (s *Session) attach(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link = l
}

// await offers t and waits until it is answered.
func (s *Session) await(ctx context.Context, t *turn) error {
	select {
	case s.offer <- t:
	case <-ctx.Done():
		return s.giveUp(ctx)
	case <-s.closed:
		return s.Err()
	}
	return s.awaitAnswer(ctx, t)
}

// awaitAnswer waits for the answer to a turn that was delivered.
func (s *Session) awaitAnswer(ctx context.Context, t *turn) error {
	select {
	case <-t.done:
		return t.lost
	case <-ctx.Done():
		return s.giveUp(ctx)
	case <-s.closed:
		return s.answeredBefore(t)
	}
}

// answeredBefore prefers an answer that was complete when the session closed.
func (s *Session) answeredBefore(t *turn) error {
	select {
	case <-t.done:
		return t.lost
	default:
		return s.Err()
	}
}

func (s *Session) giveUp(ctx context.Context) error {
	if !s.shared {
		s.Close(context.Cause(ctx))
	}
	return context.Cause(ctx)
}

// reserve makes sure that an invocation may be handed over. It returns the stream that it
// goes over, nil where the runtime asks for it.
func (s *Session) reserve() (*link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == closed {
		return nil, fmt.Errorf("%w: %w", ErrClosed, s.cause)
	}
	if s.busy || s.state != idle && s.state != answered {
		return nil, fmt.Errorf("%w: it is %s", ErrNotReady, s.state)
	}
	s.busy = !s.shared
	return s.link, nil
}

func (s *Session) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy, s.wanted = false, false
}
