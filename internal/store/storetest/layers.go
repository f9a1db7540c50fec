package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

// layer returns a layer version with a value in every field but its number.
func layer(name string) lambda.LayerVersion {
	var v lambda.LayerVersion
	fill(reflect.ValueOf(&v).Elem(), "l")
	v.ID, v.Version = lambda.LayerID{Account: account, Region: region, Name: name}, 0
	v.Code.Digest = "digest-of-layer-" + name
	return v
}

// publishLayer publishes n versions of a layer, each with a digest of its own.
func publishLayer(t *testing.T, s store.Store, name string, n int) (published []lambda.LayerVersion) {
	t.Helper()
	for i := range n {
		v := layer(name)
		v.Code.Digest = fmt.Sprintf("%s-%d", v.Code.Digest, i+1)
		number, err := s.PublishLayer(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		v.Version = number
		published = append(published, v)
	}
	return published
}

func testLayers(t *testing.T, place Place) {
	s := open(t, place)
	want := publishLayer(t, s, "kept", 1)[0]
	got, err := s.LayerVersion(t.Context(), want.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	other := want.ID
	other.Region = "us-east-1"
	for id, number := range map[lambda.LayerID]int64{other: 1, want.ID: 2} {
		if _, err := s.LayerVersion(t.Context(), id, number); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: err = %v, want ErrNotFound", id.VersionARN(number), err)
		}
	}
}

// A number is given once, also to publishers at the same time and after deletions.
func testLayerNumbers(t *testing.T, place Place) {
	const publishers = 12
	stores := []store.Store{open(t, place), open(t, place)}
	numbers := make([]int64, publishers)
	var group errgroup.Group
	for i := range publishers {
		group.Go(func() (err error) {
			numbers[i], err = stores[i%2].PublishLayer(t.Context(), layer("raced"))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		if n != int64(i+1) {
			t.Fatalf("numbers = %v, want 1 to %d", numbers, publishers)
		}
	}
	id := layer("raced").ID
	for n := range int64(publishers) {
		if was, err := stores[0].DeleteLayer(t.Context(), id, n+1); err != nil || !was {
			t.Fatalf("deleting %d: %v, %v", n+1, was, err)
		}
	}
	if was, err := stores[0].DeleteLayer(t.Context(), id, 1); err != nil || was {
		t.Errorf("deleting again: %v, %v", was, err)
	}
	if n := publishLayer(t, stores[1], "raced", 1)[0].Version; n != publishers+1 {
		t.Errorf("after the deletion of all, number %d is given, want %d", n, publishers+1)
	}
}

func testLayersListed(t *testing.T, place Place) {
	s := open(t, place)
	publishLayer(t, s, "b", 11)
	publishLayer(t, s, "B", 2)
	foreign, distant := layer("b"), layer("b")
	foreign.ID.Account, distant.ID.Region = "999999999999", "us-east-1"
	for _, v := range []lambda.LayerVersion{foreign, distant} {
		if _, err := s.PublishLayer(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	list := func(walk func(func(lambda.LayerVersion) error) error) (found []string) {
		if err := walk(func(v lambda.LayerVersion) error {
			found = append(found, fmt.Sprintf("%s%d", v.ID.Name, v.Version))
			return nil
		}); err != nil {
			t.Error(err)
		}
		return found
	}
	all := list(func(yield func(lambda.LayerVersion) error) error {
		return s.Layers(t.Context(), account, region, "", yield)
	})
	if want := []string{"B2", "B1", "b11", "b10", "b9", "b8", "b7", "b6", "b5", "b4", "b3", "b2", "b1"}; !slices.Equal(all, want) {
		t.Errorf("layers = %v, want %v", all, want)
	}
	rest := list(func(yield func(lambda.LayerVersion) error) error {
		return s.LayerVersions(t.Context(), layer("b").ID, 3, yield)
	})
	if want := []string{"b2", "b1"}; !slices.Equal(rest, want) {
		t.Errorf("versions below 3 = %v, want %v", rest, want)
	}
	if every := list(func(yield func(lambda.LayerVersion) error) error { return s.AllLayers(t.Context(), yield) }); len(every) != 15 {
		t.Errorf("all layers of all accounts and regions = %v, want 15", every)
	}
	enough := errors.New("enough")
	err := s.Layers(t.Context(), account, region, "B", func(v lambda.LayerVersion) error { return enough })
	if err != enough { //nolint:errorlint // as it is, the contract says
		t.Errorf("err = %v, want the very error of yield", err)
	}
}

// A package is in use while a layer version, or a function version that uses it, is
// there: a deleted layer lives on in functions.
func testLayersInUse(t *testing.T, place Place) {
	s := open(t, place)
	v := publishLayer(t, s, "used", 1)[0]
	digest := v.Code.Digest
	wantInUse(t, s, map[string]bool{digest: true})
	fn := filled("user")
	fn.Published[0].Layers, fn.Latest.Layers = []lambda.LayerRef{v.Ref(), v.Ref()}, []lambda.LayerRef{v.Ref()}
	fn.Serving.Layers = []lambda.LayerRef{v.Ref()}
	create(t, s, fn)
	if _, err := s.DeleteLayer(t.Context(), v.ID, v.Version); err != nil {
		t.Fatal(err)
	}
	wantInUse(t, s, map[string]bool{digest: true})
	change := func(f func(*lambda.Function)) {
		t.Helper()
		if _, err := s.UpdateFunction(t.Context(), fn.ID, func(fn *lambda.Function) error { f(fn); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	change(func(fn *lambda.Function) { fn.Latest.Layers = nil })
	change(func(fn *lambda.Function) { fn.Published = fn.Published[1:] })
	wantInUse(t, s, map[string]bool{digest: true})
	change(func(fn *lambda.Function) { fn.Serving = nil })
	wantInUse(t, s, map[string]bool{digest: false})
	change(func(fn *lambda.Function) { fn.Latest.Layers = []lambda.LayerRef{v.Ref()} })
	wantInUse(t, s, map[string]bool{digest: true})
	if err := s.DeleteFunction(t.Context(), fn.ID); err != nil {
		t.Fatal(err)
	}
	wantInUse(t, s, map[string]bool{digest: false})
}
