package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"lambent.dev/lambent/internal/handover"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/lambdaapi"
)

// turn says whether this server is the one that serves. It is until it hands over to a
// successor, which is decided while requests wait: they are answered here, or passed on.
type turn struct {
	log *slog.Logger

	// question is nil as long as nothing is being decided.
	question atomic.Pointer[question]
	moved    chan struct{} // closed when another server serves

	// mu guards what follows. It is held while the successor is told something.
	mu        sync.Mutex
	successor *handover.Predecessor // nil = none
	changed   map[lambda.FunctionID]bool
	committed bool
}

// question is one hand-over that may still fail.
type question struct {
	answered chan struct{}
	moved    bool // readable once answered is closed
}

func newTurn(log *slog.Logger) *turn { return &turn{log: log, moved: make(chan struct{})} }

// over reports whether another server answers now. While that is being decided it waits.
func (t *turn) over(ctx context.Context) bool {
	q := t.question.Load()
	if q == nil {
		return false
	}
	select {
	case <-q.answered:
		return q.moved
	case <-ctx.Done():
		return false // the caller left: whoever answers, nobody listens
	}
}

// relay answers by own until the turn is over, then by other.
func (t *turn) relay(own, other http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t.over(r.Context()) {
			other.ServeHTTP(w, r)
			return
		}
		own.ServeHTTP(w, r)
	})
}

var (
	errHandingOver = errors.New("it is already handing over to another server")
	errHandedOver  = errors.New("it has handed over to another server: ask that one")
)

// begin notes from now on what changes, for a successor.
func (t *turn) begin(s *handover.Predecessor) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.committed:
		return errHandedOver
	case t.successor != nil:
		return errHandingOver
	}
	t.successor, t.changed = s, map[lambda.FunctionID]bool{}
	return nil
}

// abandon goes on without the successor.
func (t *turn) abandon() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.committed {
		t.successor, t.changed = nil, nil
	}
}

// decide asks the successor to take over, and makes requests wait meanwhile. On an error
// this server goes on.
func (t *turn) decide() error {
	q := &question{answered: make(chan struct{})}
	t.question.Store(q)
	defer close(q.answered)
	err := t.commit()
	if err != nil {
		t.question.Store(nil)
		return err
	}
	q.moved = true
	close(t.moved)
	return nil
}

func (t *turn) commit() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.successor.Tell(slices.Collect(maps.Keys(t.changed))); err != nil {
		return err
	}
	if err := t.successor.Commit(); err != nil {
		return fmt.Errorf("making the new server the one that serves: %w", err)
	}
	t.committed, t.changed = true, nil
	return nil
}

// change is told of a function that has changed here. It returns when the successor, if
// there is one, knows or will know before it serves.
func (t *turn) change(id lambda.FunctionID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.successor == nil:
	case !t.committed:
		t.changed[id] = true
	default:
		if err := t.successor.Tell([]lambda.FunctionID{id}); err != nil {
			t.log.Error("telling the new server of a change", "function", id.ARN(), "error", err)
		}
	}
}

// announced tells of what changes in a directory.
type announced struct {
	lambdaapi.Directory
	turn *turn
}

// Put implements lambdaapi.Directory.
func (a announced) Put(fn lambda.Function) error {
	defer a.turn.change(fn.ID) // also after an error: it is stored
	return a.Directory.Put(fn)
}

// Remove implements lambdaapi.Directory.
func (a announced) Remove(id lambda.FunctionID) {
	defer a.turn.change(id)
	a.Directory.Remove(id)
}
