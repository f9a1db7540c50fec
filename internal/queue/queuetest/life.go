package queuetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"lambent.dev/lambent/internal/queue"
)

func testRecover(t *testing.T, place Place) {
	dead, other, alive := open(t, place, 1), open(t, place, 2), open(t, place, 3)
	fill(t, dead, "f", 3)
	lost, kept, mine := take(t, dead, 1).Leases[0], take(t, other, 1).Leases[0], take(t, alive, 1).Leases[0]
	n, err := alive.Recover(t.Context(), 2)
	if err != nil || n != 1 {
		t.Fatalf("recovered %d, %v, want 1", n, err)
	}
	again := take(t, alive, 10).Leases
	if len(again) != 1 || again[0].ID != lost.ID || again[0].Attempts != 2 {
		t.Errorf("taken %+v, want what the dead one had", again)
	}
	for call, err := range map[string]error{"Done": dead.Done(t.Context(), lost), "Return": dead.Return(t.Context(), lost, start)} {
		if !errors.Is(err, queue.ErrLost) {
			t.Errorf("%s of a lost lease: %v, want ErrLost", call, err)
		}
	}
	for _, l := range []queue.Lease{kept, mine, again[0]} {
		if err := alive.Done(t.Context(), l); err != nil {
			t.Error(err)
		}
	}
}

// putTogether puts n items at once.
func putTogether(t *testing.T, q queue.Queue, n int, item func(i int) queue.Item) {
	t.Helper()
	var puts errgroup.Group
	for i := range n {
		puts.Go(func() error { return q.Put(t.Context(), item(i)) })
	}
	if err := puts.Wait(); err != nil {
		t.Error(err)
	}
}

func testConcurrentPuts(t *testing.T, place Place) {
	q := open(t, place, 1)
	const n = 200
	putTogether(t, q, n, func(i int) queue.Item { return item(fmt.Sprintf("f%d", i%7), fmt.Sprint(i)) })
	seen := map[string]bool{}
	for _, body := range bodies(take(t, q, 2*n)) {
		seen[body] = true
	}
	if len(seen) != n {
		t.Errorf("%d different items, want %d", len(seen), n)
	}
}

// Two daemons on one database never hold the same item.
func testTwoTakers(t *testing.T, place Place) {
	const n = 120
	q := open(t, place, 1)
	fill(t, q, "f", n)
	takers := []queue.Queue{q, open(t, place, 2)}
	var mu sync.Mutex
	owners := map[int64]int64{}
	var all errgroup.Group
	for _, taker := range takers {
		all.Go(func() error { return takeAll(t.Context(), taker, &mu, owners) })
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(owners) != n {
		t.Errorf("%d items were taken, want %d", len(owners), n)
	}
	wantStats(t, q, 0, 0)
}

// takeAll takes and ends items until there are none.
func takeAll(ctx context.Context, q queue.Queue, mu *sync.Mutex, owners map[int64]int64) error {
	for {
		taken, err := q.Take(ctx, queue.Request{Group: group, Now: start, Limit: 5})
		if err != nil || len(taken.Leases) == 0 {
			return err
		}
		for _, l := range taken.Leases {
			mu.Lock()
			if before, twice := owners[l.ID]; twice {
				err = errors.Join(err, fmt.Errorf("item %d is %d's and %d's", l.ID, before, l.Owner))
			}
			owners[l.ID] = l.Owner
			mu.Unlock()
			err = errors.Join(err, q.Done(ctx, l))
		}
		if err != nil {
			return err
		}
	}
}

func testSurvivesReopen(t *testing.T, place Place) {
	first := open(t, place, 1)
	fill(t, first, "f", 3)
	held := take(t, first, 1).Leases[0]
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, place, 2)
	fill(t, second, "g", 1) // its ID is no other's
	wantStats(t, second, 3, 1)
	if n, err := second.Recover(t.Context()); n != 1 || err != nil {
		t.Errorf("recovered %d, %v, want the lease of the first", n, err)
	}
	want := []string{string(held.Body), "f-1", "f-2", "g-0"}
	got := slices.Sorted(slices.Values(bodies(take(t, second, 10))))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// An upgrade overlaps: two daemons open one queue.
func testConcurrentOpen(t *testing.T, place Place) {
	var all errgroup.Group
	for epoch := range int64(4) {
		all.Go(func() error {
			q, err := place(t.Context(), epoch+1)
			if err != nil {
				return err
			}
			return errors.Join(q.Put(t.Context(), item("f", "body")), q.Close())
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	wantStats(t, open(t, place, 5), 4, 0)
}

func testBadEpoch(t *testing.T, place Place) {
	for _, epoch := range []int64{-1, 0, queue.MaxEpoch + 1} {
		if q, err := place(t.Context(), epoch); err == nil {
			t.Errorf("opened for epoch %d: %v", epoch, q.Close())
		}
	}
}

func testCancelled(t *testing.T, place Place) {
	q := open(t, place, 1)
	gone := errors.New("the caller left")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	for range 20 { // the writer may be faster: then the item is there
		if err := q.Put(ctx, item("f", "x")); err != nil && !errors.Is(err, gone) {
			t.Errorf("err = %v, want the cause", err)
		}
	}
	put(t, q, item("g", "y")) // the queue is still good
}

func testClosed(t *testing.T, place Place) {
	q := open(t, place, 1)
	fill(t, q, "f", 1)
	l := take(t, q, 1).Leases[0]
	if err := errors.Join(q.Close(), q.Close()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	_, takeErr := q.Take(t.Context(), queue.Request{Group: group, Now: start, Limit: 1})
	_, statsErr := q.Stats(t.Context(), group)
	_, recoverErr := q.Recover(t.Context())
	for call, err := range map[string]error{
		"Put": q.Put(t.Context(), item("f", "x")), "Take": takeErr, "Stats": statsErr, "Recover": recoverErr,
		"Done": q.Done(t.Context(), l), "Return": q.Return(t.Context(), l, start),
	} {
		if !errors.Is(err, queue.ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", call, err)
		}
	}
}

// What was acknowledged before Close is there, and every call gets an answer.
func testCloseDuringCalls(t *testing.T, place Place) {
	q := open(t, place, 1)
	var mu sync.Mutex
	acknowledged := 0
	var puts errgroup.Group
	for range 8 {
		puts.Go(func() error {
			for {
				err := q.Put(t.Context(), item("f", "x"))
				if errors.Is(err, queue.ErrClosed) {
					return nil
				}
				if err != nil {
					return err
				}
				mu.Lock()
				acknowledged++
				enough := acknowledged == 40
				mu.Unlock()
				if enough {
					go func() { _ = q.Close() }() // its second call answers the same
				}
			}
		})
	}
	if err := errors.Join(puts.Wait(), q.Close()); err != nil {
		t.Fatal(err)
	}
	wantStats(t, open(t, place, 2), acknowledged, 0)
}
