package cleanup_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"lambent.dev/lambent/internal/cleanup"
)

func TestRunUndoesInReverseOrder(t *testing.T) {
	var order []int
	var undo cleanup.Stack
	for i := range 3 {
		undo.Add(func() error { order = append(order, i); return nil })
	}
	undo.Run(nil)
	if want := []int{2, 1, 0}; !slices.Equal(order, want) {
		t.Errorf("order = %v, want %v", order, want)
	}
}

func TestRunJoinsErrors(t *testing.T) {
	first, second := errors.New("first"), errors.New("second")
	build := func() (err error) {
		var undo cleanup.Stack
		defer undo.Run(&err)
		undo.Add(func() error { return second })
		return first
	}
	if err := build(); !errors.Is(err, first) || !errors.Is(err, second) {
		t.Errorf("err = %v, want both errors", err)
	}
}

func TestReleaseKeeps(t *testing.T) {
	undone := false
	var undo cleanup.Stack
	undo.Add(func() error { undone = true; return nil })
	later := undo.Release()
	undo.Run(nil)
	if undone {
		t.Error("a released step was undone")
	}
	if err := later(); err != nil || !undone {
		t.Errorf("the released steps did not run: err=%v", err)
	}
}

func TestContextOutlivesItsParent(t *testing.T) {
	parent, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("caller left"))
	ctx, stop := cleanup.Context(parent, time.Millisecond)
	defer stop()
	if ctx.Err() != nil {
		t.Error("the cleanup context was cancelled with its parent")
	}
	<-ctx.Done()
	if context.Cause(ctx) == nil {
		t.Error("no cause")
	}
}
