package queuetest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/queue"
)

func testRoundTrip(t *testing.T, place Place) {
	q := open(t, place, 7)
	want := item("arn:aws:lambda:us-east-1:000000000000:function:f", "{\"a\":1}\n\x00\xff")
	put(t, q, want)
	taken := take(t, q, 10)
	if len(taken.Leases) != 1 || !taken.Next.IsZero() {
		t.Fatalf("taken %+v, want one", taken)
	}
	l := taken.Leases[0]
	if diff := cmp.Diff(want, l.Item); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if l.Owner != 7 || l.Attempts != 1 {
		t.Errorf("owner %d, attempts %d, want 7 and 1", l.Owner, l.Attempts)
	}
	if again := take(t, q, 10); len(again.Leases) != 0 {
		t.Errorf("taken twice: %+v", again)
	}
}

func testBodies(t *testing.T, place Place) {
	q := open(t, place, 1)
	for _, body := range [][]byte{nil, bytes.Repeat([]byte{0xff, 0}, queue.MaxBody/2)} {
		put(t, q, queue.Item{Group: group, Function: "f", Due: start, Body: body})
		taken := take(t, q, 1)
		if len(taken.Leases) != 1 || !bytes.Equal(taken.Leases[0].Body, body) {
			t.Errorf("a body of %d bytes came back otherwise", len(body))
		}
	}
	over := queue.Item{Group: group, Function: "f", Due: start, Body: make([]byte, queue.MaxBody+1)}
	if err := q.Put(t.Context(), over); !errors.Is(err, queue.ErrTooLarge) {
		t.Errorf("err = %v, want ErrTooLarge", err)
	}
}

func testDueTimes(t *testing.T, place Place) {
	q := open(t, place, 1)
	late := item("f", "late")
	late.Due = start.Add(time.Microsecond)
	put(t, q, late)
	taken := take(t, q, 10)
	if len(taken.Leases) != 0 || !taken.Next.Equal(late.Due) {
		t.Errorf("taken %+v, want none before %v", taken, late.Due)
	}
	at := func(r *queue.Request) { r.Now = late.Due }
	if got := bodies(take(t, q, 10, at)); len(got) != 1 {
		t.Errorf("taken %v when it was due", got)
	}
}

func testGroups(t *testing.T, place Place) {
	q := open(t, place, 1)
	other := item("f", "other")
	other.Group = "schedule"
	put(t, q, item("f", "mine"), other)
	if diff := cmp.Diff([]string{"mine"}, bodies(take(t, q, 10))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	wantStats(t, q, 0, 1)
}

func testOrder(t *testing.T, place Place) {
	q := open(t, place, 1)
	early := item("f", "early")
	early.Due = start.Add(-time.Hour)
	fill(t, q, "f", 5)
	put(t, q, early)
	want := []string{"early", "f-0", "f-1", "f-2", "f-3", "f-4"}
	if diff := cmp.Diff(want, bodies(take(t, q, 10))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func testDone(t *testing.T, place Place) {
	q := open(t, place, 1)
	fill(t, q, "f", 2)
	l := take(t, q, 1).Leases[0]
	wantStats(t, q, 1, 1)
	if err := q.Done(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	wantStats(t, q, 1, 0)
	if err := q.Done(t.Context(), l); !errors.Is(err, queue.ErrLost) {
		t.Errorf("a second Done: %v, want ErrLost", err)
	}
}

func testReturn(t *testing.T, place Place) {
	q := open(t, place, 1)
	put(t, q, item("f", "body"))
	l := take(t, q, 1).Leases[0]
	due := start.Add(time.Minute)
	if err := q.Return(t.Context(), l, due); err != nil {
		t.Fatal(err)
	}
	if taken := take(t, q, 1); len(taken.Leases) != 0 || !taken.Next.Equal(due) {
		t.Errorf("taken %+v before its time", taken)
	}
	again := take(t, q, 1, func(r *queue.Request) { r.Now = due }).Leases
	if len(again) != 1 || again[0].Attempts != 2 || string(again[0].Body) != "body" || again[0].ID != l.ID {
		t.Errorf("taken again: %+v", again)
	}
}

func testLongBacklog(t *testing.T, place Place) {
	q := open(t, place, 1)
	fill(t, q, "busy", 300)
	fill(t, q, "seldom", 1)
	if n := counts(take(t, q, 10)); n["seldom"] != 1 || n["busy"] != 9 {
		t.Errorf("taken %v, want 9 of busy and 1 of seldom", n)
	}
}

func testFairness(t *testing.T, place Place) {
	q := open(t, place, 1)
	fill(t, q, "a", 20)
	fill(t, q, "b", 20)
	fill(t, q, "c", 2)
	if diff := cmp.Diff(map[string]int{"a": 5, "b": 5, "c": 2}, counts(take(t, q, 12))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// One at a time goes round, so that a small taker is as fair as a large one.
func testFairOverCalls(t *testing.T, place Place) {
	q := open(t, place, 1)
	for _, function := range []string{"b", "a", "c"} {
		fill(t, q, function, 3)
	}
	var got []string
	for range 7 {
		got = append(got, bodies(take(t, q, 1))...)
	}
	if diff := cmp.Diff([]string{"a-0", "b-0", "c-0", "a-1", "b-1", "c-1", "a-2"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func testRoom(t *testing.T, place Place) {
	q := open(t, place, 1)
	for _, function := range []string{"none", "one", "wide"} {
		fill(t, q, function, 5)
	}
	room := map[string]int{"one": 1, "wide": 100}
	taken := take(t, q, 10, func(r *queue.Request) { r.Room = func(f string) int { return room[f] } })
	if diff := cmp.Diff(map[string]int{"one": 1, "wide": 5}, counts(taken)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A fault of one item is not its neighbours': PostgreSQL has no NUL in text, SQLite takes it.
func testOneBadItem(t *testing.T, place Place) {
	q := open(t, place, 1)
	failed := make(chan error, 1)
	go func() { failed <- q.Put(t.Context(), item("bad\x00name", "bad")) }()
	putTogether(t, q, 8, func(i int) queue.Item { return item("good", fmt.Sprint(i)) })
	bad := 0
	if err := <-failed; err == nil {
		bad = 1
	}
	wantStats(t, q, 8+bad, 0)
}
