package storetest

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

// tenure is a function, a layer version and a capacity provider of one name in an account and region.
type tenure struct {
	function lambda.Function
	layer    lambda.LayerVersion
	provider lambda.CapacityProvider
}

// tenureOf uses a layer that nobody else uses.
func tenureOf(account, region string) tenure {
	h := tenure{filled("same"), layer("same"), provider("same")}
	h.function.ID = lambda.FunctionID{Account: account, Region: region, Name: "same"}
	h.layer.ID, h.layer.Code.Digest = lambda.LayerID{Account: account, Region: region, Name: "same"}, "layer-of-"+account+region
	h.provider.ID = lambda.ProviderID{Account: account, Region: region, Name: "same"}
	used := []lambda.LayerRef{{ARN: "used", Digest: "used-by-" + account + region}}
	h.function.Latest.Layers, h.function.Serving.Layers = used, used
	for i := range h.function.Published {
		h.function.Published[i].Layers = used
	}
	return h
}

func (h *tenure) settle(t *testing.T, s store.Store) {
	t.Helper()
	create(t, s, h.function)
	number, err := s.PublishLayer(t.Context(), h.layer)
	if h.layer.Version = number; err != nil || number != 1 {
		t.Fatalf("the first version of a layer is %d, %v", number, err)
	}
	if err := s.CreateProvider(t.Context(), h.provider); err != nil {
		t.Fatal(err)
	}
}

// want says that everything is as it was.
func (h *tenure) want(t *testing.T, s store.Store) {
	t.Helper()
	wantFunction(t, s, h.function)
	wantInUse(t, s, map[string]bool{h.layer.Code.Digest: true, h.function.Latest.Layers[0].Digest: true})
	l, err := s.LayerVersion(t.Context(), h.layer.ID, 1)
	if diff := cmp.Diff(h.layer, l); err != nil || diff != "" {
		t.Errorf("layer: %v (-want +got):\n%s", err, diff)
	}
	p, err := s.Provider(t.Context(), h.provider.ID)
	if diff := cmp.Diff(h.provider, p); err != nil || diff != "" {
		t.Errorf("provider: %v (-want +got):\n%s", err, diff)
	}
}

// change changes everything, and removes what can be removed of it.
func (h *tenure) change(t *testing.T, s store.Store) {
	t.Helper()
	if _, err := s.UpdateFunction(t.Context(), h.function.ID, func(f *lambda.Function) error {
		f.Latest.Handler, f.Latest.Layers, f.Published, f.Serving = "other", nil, slices.Clone(f.Published[:1]), nil
		f.Published[0].Layers, f.Published[0].State = nil, "Inactive"
		return nil
	}); err != nil {
		t.Error(err)
	}
	if _, err := s.UpdateProvider(t.Context(), h.provider.ID, func(p *lambda.CapacityProvider) error {
		p.MaxCPUs = 1
		return nil
	}); err != nil {
		t.Error(err)
	}
	if was, err := s.DeleteLayer(t.Context(), h.layer.ID, 1); err != nil || !was {
		t.Errorf("deleting the layer: %v, %v", was, err)
	}
}

func (h *tenure) remove(t *testing.T, s store.Store) {
	t.Helper()
	if err := s.DeleteFunction(t.Context(), h.function.ID); err != nil {
		t.Error(err)
	}
	if err := s.DeleteProvider(t.Context(), h.provider.ID); err != nil {
		t.Error(err)
	}
}

// What one account does, in one region, leaves what is called the same elsewhere as it was.
func testNeighbours(t *testing.T, place Place) {
	s, mine := open(t, place), tenureOf(account, region)
	others := []tenure{tenureOf("000000000000", region), tenureOf("999999999999", region), tenureOf(account, "us-east-1")}
	for i := range others {
		others[i].settle(t, s)
	}
	mine.settle(t, s)
	mine.want(t, s)
	for _, step := range []func(*testing.T, store.Store){mine.change, mine.remove} {
		step(t, s)
		for i := range others {
			others[i].want(t, s)
		}
	}
}

// The names of others take no place on a page.
func testPagesOfNeighbours(t *testing.T, place Place) {
	s := open(t, place)
	for _, id := range []lambda.FunctionID{{Account: "999999999999", Region: region, Name: "a"}, {Account: account, Region: "us-east-1", Name: "b"}, ID("c"), ID("d")} {
		fn := filled(id.Name)
		fn.ID = id
		create(t, s, fn)
	}
	if names := namesByPages(t, s, 1); !slices.Equal(names, []string{"c", "d"}) {
		t.Errorf("pages of one have %v", names)
	}
}
