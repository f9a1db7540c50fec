package instance

import (
	"context"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/neighbour"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/fake"
)

// gauged is an instance of which only the box and the gauge are there.
func gauged(t *testing.T) (*Instance, *fake.Sandbox) {
	t.Helper()
	driver := fake.New(fake.Script{Waiting: 1})
	template, err := driver.Prepare(t.Context(), sandbox.Base{})
	if err != nil {
		t.Fatal(err)
	}
	box, err := template.Create(t.Context(), "box")
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Bind(t.Context(), sandbox.Workload{Class: lambda.ClassLatency}); err != nil {
		t.Fatal(err)
	}
	i := &Instance{box: box, deps: &Deps{Log: slog.New(slog.DiscardHandler)}, aheadBudget: newAheadBudget(), gauge: gauge{class: lambda.ClassLatency}}
	i.beside = new(neighbour.Board).Join("fn", i.cpu)
	return i, driver.Boxes()[0]
}

func (i *Instance) begins(t *testing.T, kind lambda.InvocationType) *call {
	c := &call{i: i, inv: &lambda.Invocation{Type: kind}, began: time.Now()}
	c.beginUse(t.Context())
	return c
}

func (c *call) ends(t *testing.T) receipt.Used {
	c.measure(t.Context())
	c.endUse(t.Context())
	return c.receipt.Used
}

// TestOverlappingUseIsShared: nothing is claimed of invocations that ran beside others, for
// however short a time, and all of one that ran alone.
func TestOverlappingUseIsShared(t *testing.T) {
	i, box := gauged(t)
	first := i.begins(t, lambda.RequestResponse)
	box.Spend(5*time.Millisecond, 0, 0)
	second := i.begins(t, lambda.RequestResponse)
	box.Spend(5*time.Millisecond, 0, 0)
	if u := first.ends(t); u != (receipt.Used{Shared: true}) {
		t.Errorf("the first: %+v", u)
	}
	third := i.begins(t, lambda.RequestResponse)
	for _, c := range []*call{second, third} {
		if u := c.ends(t); u != (receipt.Used{Shared: true}) {
			t.Errorf("the others: %+v", u)
		}
	}
	alone := i.begins(t, lambda.RequestResponse)
	box.Spend(7*time.Millisecond, 3*time.Millisecond, 0)
	if u := alone.ends(t); u != (receipt.Used{CPUs: runtime.NumCPU(), CPU: receipt.Of(7 * time.Millisecond), Waiting: receipt.Of(3 * time.Millisecond)}) {
		t.Errorf("alone: %+v", u)
	}
}

// TestSharedClass: somebody who waits lifts all that runs in the instance, until it ends.
func TestSharedClass(t *testing.T) {
	i, box := gauged(t)
	is := func(want lambda.Class) {
		t.Helper()
		if got := box.Workload().Class; got != want {
			t.Errorf("the box is of the %s class, want %s", got, want)
		}
	}
	event := i.begins(t, lambda.Event)
	is(lambda.ClassBatch)
	caller := i.begins(t, lambda.RequestResponse)
	is(lambda.ClassLatency)
	another := i.begins(t, lambda.Event)
	is(lambda.ClassLatency)
	caller.ends(t)
	is(lambda.ClassBatch)
	event.ends(t)
	another.ends(t)
	is(lambda.ClassBatch)
	i.begins(t, lambda.RequestResponse).ends(t)
	is(lambda.ClassLatency)
}

// brief is a box that can be asked in brief, and counts how often it is asked for all.
type brief struct {
	*fake.Sandbox
	readings int
}

func (b *brief) Usage(ctx context.Context) (sandbox.Usage, error) {
	b.readings++
	return b.Sandbox.Usage(ctx)
}

func (b *brief) Brief(ctx context.Context) (sandbox.Usage, error) {
	u, err := b.Sandbox.Usage(ctx)
	return sandbox.Usage{MemoryPeak: u.MemoryPeak, CPU: u.CPU}, err
}

// TestShortInvocationsAreReadInBrief: of many short ones within some milliseconds all have their
// CPU time, and only the first the rest; one that takes longer has it, and after a while
// what was before it is not its.
func TestShortInvocationsAreReadInBrief(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, box := gauged(t)
		b := &brief{Sandbox: box}
		i.box = b
		if err := i.firstReading(t.Context()); err != nil {
			t.Fatal(err)
		}
		run := func(took time.Duration) receipt.Used {
			c := i.begins(t, lambda.RequestResponse)
			box.Spend(took, took, 0)
			time.Sleep(took)
			return c.ends(t)
		}
		brief, long := 50*time.Microsecond, 5*time.Millisecond
		for n := range 10 {
			u := run(brief)
			if u.CPU != receipt.Of(brief) || u.Waiting.Known != (n == 0) {
				t.Errorf("number %d: %+v", n, u)
			}
		}
		if b.readings != 2 {
			t.Errorf("%d readings of all, want those at the start and after the first", b.readings)
		}
		if u := run(short); u.CPU != receipt.Of(short) || u.Waiting != receipt.Of(short+9*brief) {
			t.Errorf("one that is not short any more has not what the others waited, too: %+v", u)
		}
		time.Sleep(2 * staleAfter)
		if u := run(long); u.CPU != receipt.Of(long) || u.Waiting != receipt.Of(long) {
			t.Errorf("one that takes long: %+v", u)
		}
	})
}
