package cleanup

import (
	"context"
	"errors"
	"time"
)

// Stack holds what a constructor has to undo when a later step fails. Use it as
//
//	var undo cleanup.Stack
//	defer undo.Run(&err)
//	...
//	undo.Add(func() error { return os.Remove(name) })
//	...
//	undo.Release() // success: nothing is undone
//
// The zero value is ready. A Stack belongs to one goroutine.
type Stack struct {
	steps []func() error
}

// Add puts a step on the stack. Steps run in reverse order.
func (s *Stack) Add(step func() error) { s.steps = append(s.steps, step) }

// Release forgets all steps and returns them as one function that runs them, so
// that a constructor can hand them to the value that it made.
func (s *Stack) Release() func() error {
	steps := s.steps
	s.steps = nil
	return func() error { return run(steps) }
}

// Run undoes every step that was not released and joins what went wrong to *err.
// A nil err drops those errors.
func (s *Stack) Run(err *error) {
	failed := run(s.steps)
	s.steps = nil
	if failed != nil && err != nil {
		*err = errors.Join(*err, failed)
	}
}

func run(steps []func() error) error {
	var failed []error
	for i := len(steps) - 1; i >= 0; i-- {
		failed = append(failed, steps[i]())
	}
	return errors.Join(failed...)
}

// errTookTooLong is the cause of a context that Context bounded.
var errTookTooLong = errors.New("cleanup took too long")

// Context returns a context for undoing work after ctx was cancelled: it keeps
// ctx's values, is not cancelled with it, and ends by itself after limit.
func Context(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(context.WithoutCancel(ctx), limit, errTookTooLong)
}
