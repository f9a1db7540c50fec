package daemon

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"lambent.dev/lambent/internal/config"
	"lambent.dev/lambent/internal/lambda"
)

// Everything that something stored still needs is named: what serves during an update,
// layers that no function uses, and layers that only functions have.
func TestUsedDigests(t *testing.T) {
	s, err := openStore(t.Context(), config.Config{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	version := func(code string, layers ...string) lambda.Version {
		v := lambda.Version{Version: lambda.Latest, Code: lambda.Code{Digest: code}}
		for _, digest := range layers {
			v.Layers = append(v.Layers, lambda.LayerRef{Digest: digest})
		}
		return v
	}
	serving := version("serving", "a", "b")
	published := version("published", "deleted layer")
	published.Version = "1"
	fn := lambda.Function{
		ID:     lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: "f"},
		Latest: version("latest"), Serving: &serving, Published: []lambda.Version{published},
	}
	id := lambda.LayerID{Account: "999999999999", Region: "eu-west-1", Name: "l"}
	_, publishErr := s.PublishLayer(t.Context(), lambda.LayerVersion{ID: id, Code: lambda.Code{Digest: "unused layer"}})
	if err := errors.Join(publishErr, s.CreateFunction(t.Context(), fn)); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	d := &Daemon{parts: parts{store: s}}
	if err := d.usedDigests(t.Context(), func(digest string) { used[digest] = true }); err != nil {
		t.Fatal(err)
	}
	want := []string{"a", "b", "deleted layer", "latest", "published", "serving", "unused layer", lambda.LayersDigest([]string{"a", "b"})}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(used)); !slices.Equal(got, want) {
		t.Errorf("used = %v, want %v", got, want)
	}
}
