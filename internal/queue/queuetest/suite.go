package queuetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"lambent.dev/lambent/internal/queue"
)

// Place opens a queue for an epoch where others were opened before, or are open.
type Place func(ctx context.Context, epoch int64) (queue.Queue, error)

// Run runs the suite. fresh returns an empty place, and removes it when its test ends.
func Run(t *testing.T, fresh func(t *testing.T) Place) {
	for name, test := range map[string]func(*testing.T, Place){
		"RoundTrip":        testRoundTrip,
		"Bodies":           testBodies,
		"DueTimes":         testDueTimes,
		"Groups":           testGroups,
		"Order":            testOrder,
		"Done":             testDone,
		"Return":           testReturn,
		"Recover":          testRecover,
		"Fairness":         testFairness,
		"FairOverCalls":    testFairOverCalls,
		"Room":             testRoom,
		"LongBacklog":      testLongBacklog,
		"ConcurrentPuts":   testConcurrentPuts,
		"TwoTakers":        testTwoTakers,
		"OneBadItem":       testOneBadItem,
		"SurvivesReopen":   testSurvivesReopen,
		"ConcurrentOpen":   testConcurrentOpen,
		"BadEpoch":         testBadEpoch,
		"Cancelled":        testCancelled,
		"Closed":           testClosed,
		"CloseDuringCalls": testCloseDuringCalls,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

const group = "event"

// start is when the suite's items are due.
var start = time.UnixMicro(1_800_000_000_123_456).UTC()

func open(t testing.TB, place Place, epoch int64) queue.Queue {
	t.Helper()
	q, err := place(t.Context(), epoch)
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return q
}

func item(function, body string) queue.Item {
	return queue.Item{Group: group, Function: function, Due: start, Body: []byte(body)}
}

func put(t *testing.T, q queue.Queue, items ...queue.Item) {
	t.Helper()
	for _, item := range items {
		if err := q.Put(t.Context(), item); err != nil {
			t.Fatal(err)
		}
	}
}

// fill puts n items of a function.
func fill(t *testing.T, q queue.Queue, function string, n int) {
	t.Helper()
	for i := range n {
		put(t, q, item(function, fmt.Sprintf("%s-%d", function, i)))
	}
}

func take(t *testing.T, q queue.Queue, limit int, change ...func(*queue.Request)) queue.Taken {
	t.Helper()
	r := queue.Request{Group: group, Now: start, Limit: limit}
	for _, f := range change {
		f(&r)
	}
	taken, err := q.Take(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

func bodies(taken queue.Taken) (all []string) {
	for _, l := range taken.Leases {
		all = append(all, string(l.Body))
	}
	return all
}

// counts returns how many leases each function got.
func counts(taken queue.Taken) map[string]int {
	n := map[string]int{}
	for _, l := range taken.Leases {
		n[l.Function]++
	}
	return n
}

func wantStats(t *testing.T, q queue.Queue, free, leased int) {
	t.Helper()
	s, err := q.Stats(t.Context(), group)
	if err != nil || s.Free != free || s.Leased != leased {
		t.Errorf("stats = %+v, %v, want %d free and %d leased", s, err, free, leased)
	}
}
