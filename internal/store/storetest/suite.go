package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

// Place opens a store where it was opened before.
type Place func(ctx context.Context) (store.Store, error)

// Run runs the suite. fresh returns an empty place, and removes it when its test ends.
func Run(t *testing.T, fresh func(t *testing.T) Place) {
	for name, test := range map[string]func(*testing.T, Place){
		"RoundTrip":             testRoundTrip,
		"CreateTwice":           testCreateTwice,
		"NotFound":              testNotFound,
		"Update":                testUpdate,
		"UpdateVersions":        testUpdateVersions,
		"UpdateRefused":         testUpdateRefused,
		"UpdateRenames":         testUpdateRenames,
		"BadVersion":            testBadVersion,
		"ConcurrentUpdates":     testConcurrentUpdates,
		"TwoStoresUpdate":       testTwoStoresUpdate,
		"ConcurrentCreates":     testConcurrentCreates,
		"DeleteTakesVersions":   testDeleteTakesVersions,
		"Pages":                 testPages,
		"AccountsAndRegions":    testAccountsAndRegions,
		"All":                   testAll,
		"AllStops":              testAllStops,
		"AllIsFast":             testAllIsFast,
		"CodeInUse":             testCodeInUse,
		"Epochs":                testEpochs,
		"ConcurrentOpen":        testConcurrentOpen,
		"Cancelled":             testCancelled,
		"Closed":                testClosed,
		"HostileNames":          testHostileNames,
		"SurvivesReopen":        testSurvivesReopen,
		"ReadsDuringBigUpdates": testReadsDuringUpdates,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func open(t *testing.T, place Place) store.Store {
	t.Helper()
	s, err := place(t.Context())
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s
}

// filled leaves NUL out of the strings that are columns: PostgreSQL has no NUL in
// text (manual, "Character Types").
func filled(name string) lambda.Function {
	fn := Filled(ID(name))
	fn.Latest.Code.Digest = "digest-of-" + name
	for i := range fn.Published {
		fn.Published[i].Code.Digest = fmt.Sprintf("digest-of-%s-%d", name, i)
	}
	return fn
}

func create(t *testing.T, s store.Store, fns ...lambda.Function) {
	t.Helper()
	for _, fn := range fns {
		if err := s.CreateFunction(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
}

func wantFunction(t *testing.T, s store.Store, want lambda.Function) {
	t.Helper()
	got, err := s.Function(t.Context(), want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func testRoundTrip(t *testing.T, place Place) {
	s := open(t, place)
	fn := filled("round-trip")
	create(t, s, fn)
	wantFunction(t, s, fn)
}

func testCreateTwice(t *testing.T, place Place) {
	s := open(t, place)
	fn := filled("twice")
	create(t, s, fn)
	second := fn
	second.Tags, second.Published = nil, nil
	if err := s.CreateFunction(t.Context(), second); !errors.Is(err, store.ErrExists) {
		t.Errorf("err = %v, want ErrExists", err)
	}
	wantFunction(t, s, fn)
}

func testNotFound(t *testing.T, place Place) {
	s := open(t, place)
	_, err := s.Function(t.Context(), ID("none"))
	_, updateErr := s.UpdateFunction(t.Context(), ID("none"), func(*lambda.Function) error {
		t.Error("change was called")
		return nil
	})
	deleteErr := s.DeleteFunction(t.Context(), ID("none"))
	for call, err := range map[string]error{"Function": err, "UpdateFunction": updateErr, "DeleteFunction": deleteErr} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: err = %v, want ErrNotFound", call, err)
		}
	}
}

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

func testDeleteTakesVersions(t *testing.T, place Place) {
	s := open(t, place)
	fn := filled("deleted")
	create(t, s, fn)
	if err := s.DeleteFunction(t.Context(), fn.ID); err != nil {
		t.Fatal(err)
	}
	fn.Published = nil
	create(t, s, fn)
	wantFunction(t, s, fn)
}

// Byte order, which is neither a person's nor that of upper and lower case.
func testPages(t *testing.T, place Place) {
	s := open(t, place)
	names := []string{"-z", "A", "B-1", "Ba", "a", "a-b", "aB", "a_b", "ab", "b"}
	for i := range names {
		create(t, s, filled(names[len(names)-1-i]))
	}
	for limit := 1; limit <= len(names)+1; limit++ {
		if got := namesByPages(t, s, limit); !slices.Equal(got, names) {
			t.Errorf("pages of %d: %v, want %v", limit, got, names)
		}
	}
	if page, err := s.Functions(t.Context(), account, region, "b", 10); err != nil || len(page) != 0 {
		t.Errorf("after the last: %d functions, %v", len(page), err)
	}
}

func namesByPages(t *testing.T, s store.Store, limit int) (names []string) {
	t.Helper()
	after := ""
	for {
		page, err := s.Functions(t.Context(), account, region, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, fn := range page {
			if len(fn.Published) != 3 {
				t.Errorf("%s came with %d versions, want 3", fn.ID.Name, len(fn.Published))
			}
			names = append(names, fn.ID.Name)
		}
		if len(page) < limit {
			return names
		}
		after = page[len(page)-1].ID.Name
	}
}

func testAccountsAndRegions(t *testing.T, place Place) {
	s := open(t, place)
	mine := filled("same-name")
	otherAccount, otherRegion := mine, mine
	otherAccount.ID.Account, otherRegion.ID.Region = "999999999999", "us-east-1"
	create(t, s, mine, otherAccount, otherRegion)
	page, err := s.Functions(t.Context(), account, region, "", 10)
	if err != nil || len(page) != 1 || page[0].ID != mine.ID {
		t.Errorf("page = %v, %v, want only %v", page, err, mine.ID)
	}
	if err := s.DeleteFunction(t.Context(), mine.ID); err != nil {
		t.Fatal(err)
	}
	wantFunction(t, s, otherAccount)
	wantFunction(t, s, otherRegion)
}

func testAll(t *testing.T, place Place) {
	s := open(t, place)
	want := []lambda.Function{filled("a"), filled("b"), filled("c")}
	want[1].Published = nil
	create(t, s, want[2], want[0], want[1])
	var got []lambda.Function
	err := s.All(t.Context(), func(fn lambda.Function) error {
		got = append(got, fn)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
}

func testAllStops(t *testing.T, place Place) {
	s := open(t, place)
	create(t, s, filled("a"), filled("b"))
	enough, seen := errors.New("enough"), 0
	err := s.All(t.Context(), func(lambda.Function) error {
		seen++
		return enough
	})
	if err != enough || seen != 1 { //nolint:errorlint // as it is, the contract says
		t.Errorf("err = %v after %d functions, want the very error of yield after 1", err, seen)
	}
	create(t, s, filled("c")) // nothing is held
}

// The daemon reads everything before it is ready. The bound has room for a busy
// machine and the race detector; the figure is logged.
func testAllIsFast(t *testing.T, place Place) {
	const functions, bound = 1000, 2 * time.Second
	s := open(t, place)
	fillStore(t, s, functions)
	best := time.Hour
	for range 3 {
		began, seen := time.Now(), 0
		if err := s.All(t.Context(), func(lambda.Function) error { seen++; return nil }); err != nil || seen != functions {
			t.Fatalf("%d functions, %v", seen, err)
		}
		best = min(best, time.Since(began))
	}
	t.Logf("All: %d functions in %v", functions, best)
	if best > bound {
		t.Errorf("All took %v, want under %v", best, bound)
	}
}

func fillStore(t *testing.T, s store.Store, functions int) {
	t.Helper()
	var group errgroup.Group
	group.SetLimit(8)
	for i := range functions {
		group.Go(func() error {
			fn := filled(fmt.Sprintf("many-%04d", i))
			fn.Published = fn.Published[:1]
			return s.CreateFunction(t.Context(), fn)
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

func testCodeInUse(t *testing.T, place Place) {
	s := open(t, place)
	fn := filled("user")
	create(t, s, fn)
	wantInUse(t, s, map[string]bool{"digest-of-user": true, "digest-of-user-2": true, "digest-of-nobody": false})
	if err := s.DeleteFunction(t.Context(), fn.ID); err != nil {
		t.Fatal(err)
	}
	wantInUse(t, s, map[string]bool{"digest-of-user": false, "digest-of-user-2": false})
}

func wantInUse(t *testing.T, s store.Store, want map[string]bool) {
	t.Helper()
	for digest, used := range want {
		if got, err := s.CodeInUse(t.Context(), digest); err != nil || got != used {
			t.Errorf("CodeInUse(%s) = %v, %v, want %v", digest, got, err, used)
		}
	}
}

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
