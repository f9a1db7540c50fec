package router_test

import (
	"context"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox/fake"
)

// maxAllocations is the most that a warm invocation may allocate in router, pool and
// instance, with what the fake's runtime allocates for its side. Lower it when the number
// falls; a change that needs more says why.
const maxAllocations = 49 + underRace

func TestWarmInvokeAllocatesLittle(t *testing.T) {
	w := newWhole(t, fake.Script{}, nil)
	defer func() { _ = w.pool.Close(context.Background()) }()
	w.put(t, 1)
	ctx, sink := t.Context(), &lambda.Buffer{Cap: lambda.MaxResponse}
	inv := &lambda.Invocation{RequestID: "r-1", Function: f, Payload: []byte(`{"name":"you"}`)}
	got := testing.AllocsPerRun(500, func() {
		inv.Arrived = time.Now()
		*sink = lambda.Buffer{Cap: lambda.MaxResponse}
		if _, err := w.Invoke(ctx, inv, sink); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("%g allocations for a warm invocation", got)
	if got > maxAllocations {
		t.Errorf("%g allocations, more than %d", got, maxAllocations)
	}
}
