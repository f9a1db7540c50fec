package runtimeapi

import (
	"errors"
	"io"
	"sync"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// errRevoked ends an answer whose invocation is over: it timed out.
var errRevoked = errors.New("invocation is over")

// copySize is how much of an answer is read before it goes to the sink.
const copySize = 32 << 10

// Event is one invocation as the runtime sees it.
type Event struct {
	ID            string
	Deadline      time.Time
	Timeout       time.Duration // above 0, of one that is sent before the runtime is ready: the deadline is so long after that
	ARN           string        // as the caller named the function
	TraceID       string
	ClientContext []byte // JSON; nil if none
	Identity      []byte // JSON; nil if none
	TenantID      string
	Payload       []byte
}

// turn is one invocation in a session. It stands between the codec, which may be in
// the middle of a write, and the host, which may have given up.
type turn struct {
	event Event
	done  chan struct{}
	phase state // invoking, answering or answered, in a shared session, whose lock guards it
	lost  error // why there is no answer; valid once done is closed

	mu      sync.Mutex // guards what follows; held while the sink is written to
	sink    lambda.Sink
	revoked bool
	over    bool // done is closed
	outcome Outcome
}

func newTurn(e Event, sink lambda.Sink) *turn {
	return &turn{event: e, sink: sink, done: make(chan struct{})}
}

func (t *turn) deliver(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.outcome.Delivered = now
}

// head begins the answer.
func (t *turn) head(h lambda.Head) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.revoked {
		return errRevoked
	}
	t.outcome.FirstByte = time.Now()
	return t.sink.Head(h)
}

// Write passes a part of the answer on. It blocks as long as the sink does.
func (t *turn) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.revoked {
		return 0, errRevoked
	}
	n, err := t.sink.Write(p)
	t.outcome.Bytes += int64(n)
	return n, err
}

// finish ends the answer.
func (t *turn) finish(fault *lambda.FunctionError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.revoked || t.over {
		return
	}
	t.over = true
	if t.outcome.FirstByte.IsZero() {
		t.outcome.FirstByte = time.Now()
	}
	t.outcome.Error = fault
	close(t.done)
}

// finished says whether done is closed.
func (t *turn) finished() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over
}

// lose ends a turn that will not be answered.
func (t *turn) lose(cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	t.over, t.lost = true, cause
	close(t.done)
}

// revoke takes the sink back; it waits for a write that is under way.
func (t *turn) revoke() Outcome {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.revoked = true
	return t.outcome
}

// stream copies an answer to the sink through one small buffer. hint is its size, < 0
// where unknown. When the sink refuses, the rest is read and dropped, so that the
// runtime can go on.
func (t *turn) stream(r io.Reader, hint int64) (refused, broken error) {
	size := int64(copySize)
	if hint >= 0 {
		size = min(size, hint+1)
	}
	buf := make([]byte, size)
	for {
		got, err := r.Read(buf)
		if got > 0 && refused == nil {
			_, refused = t.Write(buf[:got])
		}
		if err != nil {
			return refused, unlessEOF(err)
		}
	}
}

func unlessEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
