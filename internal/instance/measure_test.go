package instance_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/neighbour"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/sandbox/fake"
)

// TestUsedIsTheInvocationsOwn: what an idle instance uses, and waits, is on no receipt.
func TestUsedIsTheInvocationsOwn(t *testing.T) {
	s := fake.Script{CPU: 7 * time.Millisecond, Waiting: 41 * time.Millisecond}
	bubble(t, s, func(t *testing.T, r *rig) {
		i := r.start()
		r.driver.Boxes()[0].Spend(time.Second, time.Second, 0)
		time.Sleep(10 * time.Millisecond)
		for range 2 {
			_, rec := r.invoke(i, `{}`)
			want := receipt.Used{CPUs: runtime.NumCPU(), CPU: receipt.Of(7 * time.Millisecond), Waiting: receipt.Of(41 * time.Millisecond)}
			if diff := cmp.Diff(want, rec.Used); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		r.finish(i)
	})
}

// TestUsedIsNotKnown: a host that cannot tell makes no zero.
func TestUsedIsNotKnown(t *testing.T) {
	bubble(t, fake.Script{CPU: time.Millisecond}, func(t *testing.T, r *rig) {
		i := r.start()
		if _, rec := r.invoke(i, `{}`); rec.Used != (receipt.Used{CPUs: runtime.NumCPU(), CPU: receipt.Of(time.Millisecond)}) {
			t.Errorf("used %+v", rec.Used)
		}
		r.finish(i)
	})
}

// TestClassFollowsTheInvocation has one instance serve callers that wait and events, with
// and without the function's tag.
func TestClassFollowsTheInvocation(t *testing.T) {
	for tag, want := range map[lambda.Class][]lambda.Class{
		0:                   {lambda.ClassLatency, lambda.ClassBatch, lambda.ClassLatency, lambda.ClassBatch},
		lambda.ClassLatency: {lambda.ClassLatency, lambda.ClassLatency, lambda.ClassLatency, lambda.ClassLatency},
		lambda.ClassBatch:   {lambda.ClassBatch, lambda.ClassBatch, lambda.ClassBatch, lambda.ClassBatch},
	} {
		var r *rig
		var got []lambda.Class
		s := fake.Script{Runtime: fake.Runtime{Handle: func(context.Context, *fake.Call) fake.Answer {
			got = append(got, r.driver.Boxes()[0].Workload().Class)
			return fake.Answer{Body: []byte("{}")}
		}}}
		bubble(t, s, func(t *testing.T, made *rig) {
			r = made
			r.target.Class = tag
			i := r.start()
			got = append(got, r.driver.Boxes()[0].Workload().Class)
			for _, kind := range []lambda.InvocationType{lambda.Event, lambda.RequestResponse, lambda.Event} {
				inv := invocation(`{}`)
				inv.Type, inv.Target = kind, r.target
				if _, err := i.Invoke(context.Background(), inv, newSink()); err != nil {
					t.Fatal(err)
				}
			}
			r.finish(i)
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("tag %v (-want +got):\n%s", tag, diff)
		}
	}
}

// TestNeighboursAreTold has an instance's use known to who asks for that time, also once
// it has ended.
func TestNeighboursAreTold(t *testing.T) {
	bubble(t, fake.Script{CPU: 7 * time.Millisecond, Faults: []fake.Fault{{At: fake.Handle, Wait: 10 * time.Millisecond}}}, func(t *testing.T, r *rig) {
		r.deps.Neighbours = &neighbour.Board{}
		i := r.start()
		from := time.Now()
		r.invoke(i, `{}`)
		want := []receipt.Neighbour{{Function: "fn", CPU: 7 * time.Millisecond}}
		for range 2 {
			if diff := cmp.Diff(want, r.deps.Neighbours.During(from, time.Now(), "another")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			r.finish(i)
		}
		if own := r.deps.Neighbours.During(from, time.Now(), requestID); own != nil {
			t.Errorf("beside itself: %v", own)
		}
	})
}
