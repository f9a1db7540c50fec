package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

// provider returns a capacity provider with a value in every field.
func provider(name string) lambda.CapacityProvider {
	var p lambda.CapacityProvider
	fill(reflect.ValueOf(&p).Elem(), "p")
	p.ID = lambda.ProviderID{Account: account, Region: region, Name: name}
	return p
}

func testProviders(t *testing.T, place Place) {
	s := open(t, place)
	want := provider("kept")
	if err := s.CreateProvider(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateProvider(t.Context(), want); !errors.Is(err, store.ErrExists) {
		t.Errorf("creating it again: %v, want ErrExists", err)
	}
	got, err := s.Provider(t.Context(), want.ID)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, kept (-want +got):\n%s", err, diff)
	}
	if err := s.DeleteProvider(t.Context(), want.ID); err != nil {
		t.Error(err)
	}
	_, err = s.Provider(t.Context(), want.ID)
	_, updateErr := s.UpdateProvider(t.Context(), want.ID, func(*lambda.CapacityProvider) error { return nil })
	for call, err := range map[string]error{"Provider": err, "UpdateProvider": updateErr, "DeleteProvider": s.DeleteProvider(t.Context(), want.ID)} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", call, err)
		}
	}
}

func testProvidersListed(t *testing.T, place Place) {
	s := open(t, place)
	for _, name := range []string{"c", "a", "B"} {
		if err := s.CreateProvider(t.Context(), provider(name)); err != nil {
			t.Fatal(err)
		}
	}
	stranger := provider("a1")
	stranger.ID.Account = "999999999999"
	if err := s.CreateProvider(t.Context(), stranger); err != nil {
		t.Fatal(err)
	}
	for after, want := range map[string]string{"": "[B a]", "B": "[a c]", "a": "[c]", "c": "[]"} {
		page, err := s.Providers(t.Context(), account, region, after, 2)
		names := []string{}
		for _, p := range page {
			names = append(names, p.ID.Name)
		}
		if got := fmt.Sprint(names); err != nil || got != want {
			t.Errorf("after %q: %s, %v, want %s", after, got, err, want)
		}
	}
}

// Updates of one provider happen one after the other, and one that is refused changes
// nothing.
func testProviderUpdates(t *testing.T, place Place) {
	s := open(t, place)
	p := provider("counted")
	p.MaxCPUs = 0
	if err := s.CreateProvider(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	var all errgroup.Group
	for range 8 {
		all.Go(func() error {
			_, err := s.UpdateProvider(t.Context(), p.ID, func(p *lambda.CapacityProvider) error {
				p.MaxCPUs++
				return nil
			})
			return err
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	no := errors.New("no")
	if _, err := s.UpdateProvider(t.Context(), p.ID, func(p *lambda.CapacityProvider) error {
		p.MaxCPUs = 99
		return no
	}); err != no { // as it is
		t.Errorf("refused with %v", err)
	}
	if got, err := s.Provider(t.Context(), p.ID); err != nil || got.MaxCPUs != 8 {
		t.Errorf("after 8 updates %d, %v", got.MaxCPUs, err)
	}
}
