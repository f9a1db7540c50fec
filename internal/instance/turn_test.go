package instance

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/fake"
)

// The turns of one that computes shortly and rarely, shortly and all the time, and for long.
var (
	aheadShort = sandbox.Turn{Slice: shortSlice, Ahead: true}
	onlyShort  = sandbox.Turn{Slice: shortSlice}
	onlyLong   = sandbox.Turn{Slice: longSlice}
)

// A function's turn follows what its invocations compute for, and stays where that is nearly the same.
func TestTurnFollowsTheWork(t *testing.T) {
	const ms = time.Millisecond
	times := func(n int, each time.Duration) []time.Duration { return slices.Repeat([]time.Duration{each}, n) }
	for name, test := range map[string]struct {
		work []time.Duration
		rest time.Duration
		want []sandbox.Turn
	}{
		"never known":       {times(turnAfter-1, ms), 3 * ms, nil},
		"too few":           {times(fewSlow-1, ms), time.Second, nil},
		"few, slowly":       {times(fewSlow, ms), 40 * ms, []sandbox.Turn{aheadShort}},
		"short":             {times(3*turnAfter, ms), 10 * ms, []sandbox.Turn{aheadShort}},
		"short, often":      {times(3*turnAfter, ms), 3 * ms, []sandbox.Turn{onlyShort}},
		"between":           {times(3*turnAfter, 10*ms), ms, nil},
		"long":              {times(3, 100*ms), ms, []sandbox.Turn{onlyLong}},
		"stays short":       {slices.Concat(times(turnAfter, ms), times(3*turnAfter, 3*ms)), 20 * ms, []sandbox.Turn{aheadShort}},
		"stays long":        {slices.Concat(times(2, 100*ms), times(9, 30*ms)), ms, []sandbox.Turn{onlyLong}},
		"long no more":      {slices.Concat(times(1, 100*ms), times(9, 10*ms)), ms, []sandbox.Turn{onlyLong, {}}},
		"short, then long":  {slices.Concat(times(turnAfter, ms), times(1, 100*ms)), 10 * ms, []sandbox.Turn{aheadShort, onlyLong}},
		"some long":         {slices.Concat(times(turnAfter, ms), []time.Duration{40 * ms, ms, ms}), 10 * ms, []sandbox.Turn{aheadShort}},
		"and short again":   {slices.Concat(times(turnAfter, ms), times(1, 100*ms), times(turnAfter, ms)), 10 * ms, []sandbox.Turn{aheadShort, onlyLong, aheadShort}},
		"asked more often":  {slices.Concat(times(turnAfter, ms), times(turnAfter, 3*ms)), 8 * ms, []sandbox.Turn{aheadShort, onlyShort}},
		"the least of long": {times(2, longWork), ms, []sandbox.Turn{onlyLong}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { turnsAre(t, test.work, test.rest, test.want) })
		})
	}
}

func turnsAre(t *testing.T, work []time.Duration, rest time.Duration, want []sandbox.Turn) {
	i, box := started(t)
	for _, work := range work {
		i.computes(t, box, work, rest)
	}
	if got := box.Turns(); !slices.Equal(got, want) {
		t.Errorf("turns %v, want %v", got, want)
	}
}

func started(t *testing.T) (*Instance, *fake.Sandbox) {
	i, box := gauged(t)
	box.Spend(time.Second, 0, 0) // the initialisation
	if err := i.firstReading(t.Context()); err != nil {
		t.Fatal(err)
	}
	return i, box
}

// computes is one invocation, and a rest after it.
func (i *Instance) computes(t *testing.T, box *fake.Sandbox, work, rest time.Duration) {
	c := i.begins(t, lambda.RequestResponse)
	time.Sleep(work)
	box.Spend(work, 0, 0)
	c.ends(t)
	time.Sleep(rest)
}

// An invocation that computes on is long, and not ahead, before it ends; one that only waits stays
// what it was, and nobody looks at an idle instance.
func TestTurnOfOneThatRunsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, box := started(t)
		for range turnAfter {
			i.computes(t, box, time.Millisecond, 10*time.Millisecond)
		}
		waits := i.begins(t, lambda.RequestResponse)
		time.Sleep(time.Minute)
		if got, want := box.Turns(), []sandbox.Turn{aheadShort}; !slices.Equal(got, want) {
			t.Errorf("one that waits: turns %v, want %v", got, want)
		}
		box.Spend(longWork+turnAfter*notShort, 0, 0)
		time.Sleep(2 * lookAfter)
		if got, want := box.Turns(), []sandbox.Turn{aheadShort, onlyLong}; !slices.Equal(got, want) {
			t.Errorf("one that computes: turns %v, want %v", got, want)
		}
		waits.ends(t)
		time.Sleep(2 * lookAfter)
		i.gauge.mu.Lock()
		defer i.gauge.mu.Unlock()
		if i.gauge.watched {
			t.Error("an idle instance is looked at")
		}
	})
}

// Instances that each compute rarely are not ahead where all of them together would use more than half
// of the CPUs.
func TestNotAllAreAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, box := started(t)
		i.aheadBudget.SetLimit(0) // the others use all of it
		i.aheadBudget.SetBurst(0)
		for range 3 * turnAfter {
			i.computes(t, box, time.Millisecond, 10*time.Millisecond)
		}
		if got, want := box.Turns(), []sandbox.Turn{onlyShort}; !slices.Equal(got, want) {
			t.Errorf("turns %v, want %v", got, want)
		}
	})
}
