package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"golang.org/x/sync/errgroup"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

func testEpochs(t *testing.T, place Place) {
	last := int64(0)
	for range 3 {
		s := open(t, place)
		for range 3 {
			epoch, err := s.NextEpoch(t.Context())
			if err != nil || epoch <= last {
				t.Fatalf("epoch = %d, %v, want more than %d", epoch, err, last)
			}
			last = epoch
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// An upgrade overlaps: two daemons open one store, and both take epochs.
func testConcurrentOpen(t *testing.T, place Place) {
	const daemons = 4
	epochs := make(chan int64, daemons)
	var group errgroup.Group
	for range daemons {
		group.Go(func() error {
			s, err := place(t.Context())
			if err != nil {
				return err
			}
			epoch, err := s.NextEpoch(t.Context())
			epochs <- epoch
			return errors.Join(err, s.Close())
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	close(epochs)
	seen := map[int64]bool{}
	for epoch := range epochs {
		seen[epoch] = true
	}
	if len(seen) != daemons {
		t.Errorf("epochs = %v, want %d different ones", seen, daemons)
	}
}

func testCancelled(t *testing.T, place Place) {
	s := open(t, place)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the caller left"))
	if err := s.CreateFunction(ctx, filled("late")); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want context.Canceled", err)
	}
	create(t, s, filled("late")) // the store is still good
}

func testClosed(t *testing.T, place Place) {
	s := open(t, place)
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if _, err := s.Function(t.Context(), ID("any")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("read: err = %v, want ErrClosed", err)
	}
	if err := s.CreateFunction(t.Context(), filled("any")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("write: err = %v, want ErrClosed", err)
	}
}

func testHostileNames(t *testing.T, place Place) {
	s := open(t, place)
	for _, name := range []string{`'; DROP TABLE functions; --`, `%`, `a"b`, `$1`, `?`, `../../x`, "ü\u2028", `\`} {
		fn := filled(name)
		create(t, s, fn)
		wantFunction(t, s, fn)
	}
}

func testSurvivesReopen(t *testing.T, place Place) {
	fn := filled("kept")
	first := open(t, place)
	create(t, first, fn)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	wantFunction(t, open(t, place), fn)
}

// A reader sees a function before or after an update, never between: here the tag
// and all versions always carry the same number.
func testReadsDuringUpdates(t *testing.T, place Place) {
	s := open(t, place)
	fn := filled("moving")
	number := func(f *lambda.Function, n int) {
		f.Latest.Description = strconv.Itoa(n)
		for i := range f.Published {
			f.Published[i].Description = strconv.Itoa(n)
		}
	}
	number(&fn, 0)
	create(t, s, fn)
	var group errgroup.Group
	group.Go(func() error { return renumber(t.Context(), s, fn.ID, number) })
	group.Go(func() error { return wantWhole(t.Context(), s, fn.ID) })
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

const rounds = 30

func renumber(ctx context.Context, s store.Store, id lambda.FunctionID, number func(*lambda.Function, int)) error {
	for n := range rounds {
		_, err := s.UpdateFunction(ctx, id, func(f *lambda.Function) error { number(f, n); return nil })
		if err != nil {
			return err
		}
	}
	return nil
}

func wantWhole(ctx context.Context, s store.Store, id lambda.FunctionID) error {
	for range 3 * rounds {
		fn, err := s.Function(ctx, id)
		if err != nil {
			return err
		}
		for _, v := range fn.Published {
			if v.Description != fn.Latest.Description {
				return fmt.Errorf("torn read: version %s has %s, the function %s", v.Version, v.Description, fn.Latest.Description)
			}
		}
	}
	return nil
}
