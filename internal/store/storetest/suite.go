package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

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
		"Neighbours":            testNeighbours,
		"PagesOfNeighbours":     testPagesOfNeighbours,
		"All":                   testAll,
		"AllStops":              testAllStops,
		"AllIsFast":             testAllIsFast,
		"CodeInUse":             testCodeInUse,
		"CodeSize":              testCodeSize,
		"CodeSizeFollows":       testCodeSizeFollows,
		"Usage":                 testUsage,
		"Layers":                testLayers,
		"LayerNumbers":          testLayerNumbers,
		"LayersListed":          testLayersListed,
		"LayersInUse":           testLayersInUse,
		"Providers":             testProviders,
		"ProvidersListed":       testProvidersListed,
		"ProviderUpdates":       testProviderUpdates,
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
	fn.Serving.Code.Digest = "digest-served-by-" + name
	fn.Latest.Layers = []lambda.LayerRef{{ARN: "layer\x00", Size: 1, Digest: "digest-of-layer"}}
	fn.Serving.Layers = fn.Latest.Layers
	for i := range fn.Published {
		fn.Published[i].Layers = fn.Latest.Layers
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
