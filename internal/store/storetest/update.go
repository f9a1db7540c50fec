package storetest

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

func testUpdate(t *testing.T, place Place) {
	s := open(t, place)
	fn := filled("updated")
	create(t, s, fn)
	got, err := s.UpdateFunction(t.Context(), fn.ID, func(f *lambda.Function) error {
		f.Tags["more"] = "1"
		f.Latest.Handler, f.ReservedConcurrency = "new.handler", nil
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	fn.Tags["more"] = "1"
	fn.Latest.Handler, fn.ReservedConcurrency = "new.handler", nil
	if diff := cmp.Diff(fn, got); diff != "" {
		t.Errorf("returned (-want +got):\n%s", diff)
	}
	wantFunction(t, s, fn)
}

func testUpdateVersions(t *testing.T, place Place) {
	s := open(t, place)
	fn := filled("published")
	create(t, s, fn)
	change := func(f *lambda.Function) error {
		added := f.Latest
		added.Version, added.Code.Digest = "12", "digest-of-12"
		f.Published[1].State = "Inactive"
		f.Published = append(f.Published[1:], added) // 9 goes, 10 changes, 12 comes
		return nil
	}
	if _, err := s.UpdateFunction(t.Context(), fn.ID, change); err != nil {
		t.Fatal(err)
	}
	if err := change(&fn); err != nil {
		t.Fatal(err)
	}
	wantFunction(t, s, fn)
}

func testUpdateRefused(t *testing.T, place Place) {
	s := open(t, place)
	fn := filled("refused")
	create(t, s, fn)
	refusal := errors.New("no")
	_, err := s.UpdateFunction(t.Context(), fn.ID, func(f *lambda.Function) error {
		f.Latest.Handler, f.Published = "lost", nil
		return refusal
	})
	if err != refusal { //nolint:errorlint // as it is, the contract says
		t.Errorf("err = %v, want the very error of change", err)
	}
	wantFunction(t, s, fn)
}

func testUpdateRenames(t *testing.T, place Place) {
	s := open(t, place)
	fn := filled("stays")
	create(t, s, fn)
	_, err := s.UpdateFunction(t.Context(), fn.ID, func(f *lambda.Function) error {
		f.ID.Name = "moved"
		return nil
	})
	if err == nil {
		t.Error("a function was renamed")
	}
	wantFunction(t, s, fn)
}

func testBadVersion(t *testing.T, place Place) {
	s := open(t, place)
	for _, number := range []string{lambda.Latest, "", "0", "-1", "1x", "99999999999999999999"} {
		fn := filled("bad")
		fn.Published[0].Version = number
		if err := s.CreateFunction(t.Context(), fn); err == nil {
			t.Errorf("version %q was published", number)
		}
	}
	if _, err := s.Function(t.Context(), ID("bad")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("err = %v: half a function was created", err)
	}
}

// Each goroutine adds one to a counter in the record and publishes a version: a lost
// update would show in both.
func testConcurrentUpdates(t *testing.T, place Place) {
	contend(t, open(t, place))
}

// During an upgrade, and on several machines, the others are in other processes.
func testTwoStoresUpdate(t *testing.T, place Place) {
	contend(t, open(t, place), open(t, place))
}

func contend(t *testing.T, stores ...store.Store) {
	t.Helper()
	const goroutines, each = 16, 5
	s := stores[0]
	fn := lambda.Function{ID: ID("contended"), Latest: lambda.Version{Version: lambda.Latest}}
	create(t, s, fn)
	var group errgroup.Group
	for i := range goroutines {
		group.Go(func() error { return publish(t.Context(), stores[i%len(stores)], fn.ID, each) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	got, err := s.Function(t.Context(), fn.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.Latest.Generation != goroutines*each || len(got.Published) != goroutines*each {
		t.Errorf("generation %d and %d versions, want %d of both", got.Latest.Generation, len(got.Published), goroutines*each)
	}
}

func publish(ctx context.Context, s store.Store, id lambda.FunctionID, times int) error {
	for range times {
		_, err := s.UpdateFunction(ctx, id, func(f *lambda.Function) error {
			f.Latest.Generation++
			v := f.Latest
			v.Version = strconv.Itoa(len(f.Published) + 1)
			f.Published = append(f.Published, v)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func testConcurrentCreates(t *testing.T, place Place) {
	const goroutines = 16
	s := open(t, place)
	results := make(chan error, goroutines)
	for range goroutines {
		go func() { results <- s.CreateFunction(t.Context(), filled("raced")) }()
	}
	created := 0
	for range goroutines {
		switch err := <-results; {
		case err == nil:
			created++
		case !errors.Is(err, store.ErrExists):
			t.Errorf("err = %v, want ErrExists", err)
		}
	}
	if created != 1 {
		t.Errorf("%d creates succeeded, want 1", created)
	}
}
