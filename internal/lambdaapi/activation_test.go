package lambdaapi

import (
	"context"
	"errors"
	"testing"

	"lambent.dev/lambent/internal/lambda"
)

// A function made before Run reads the store is named twice, by its creation and by what the
// store says; two workers must not make it ready side by side.
func TestAFunctionWaitsOnceForItsActivation(t *testing.T) {
	queue := newActivations()
	first, second := lambda.FunctionID{Name: "first"}, lambda.FunctionID{Name: "second"}
	queue.add(first)
	queue.add(first, second, first)
	for _, want := range []lambda.FunctionID{first, second} {
		if got, ok := queue.next(t.Context()); !ok || got != want {
			t.Errorf("took %v, %v; want %v", got, ok, want)
		}
	}
	if id, ok := queue.take(); ok {
		t.Errorf("%v waited twice", id)
	}
	queue.add(first) // once taken, a function may wait again: it has changed
	if _, ok := queue.take(); !ok {
		t.Error("a function that was taken may not wait again")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("over"))
	if _, ok := queue.next(ctx); ok {
		t.Error("an ended context gave a function")
	}
}
