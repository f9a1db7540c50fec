package move_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/move"
)

// layerDigest is the SHA-256 of "layer".
const layerDigest = "2sHXz6lQIXZISf0QJSThQUiMXjqQ+GHbtaEtmshYT4U="

// shop is a source of one function whose two versions have the same code.
type shop struct{ code []byte }

func (s shop) digest() string {
	sum := sha256.Sum256(s.code)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func (shop) Names(context.Context) ([]string, error) { return []string{"shop"}, nil }

func (s shop) Function(_ context.Context, name string) (*move.Function, error) {
	if name != "shop" {
		return nil, errors.New("closed")
	}
	seven := int32(7)
	v := move.Version{
		Number: "3", SHA256: s.digest(), Runtime: "python3.11", Handler: "app.handler", Memory: 128, Timeout: 3, Tmp: 512,
		Environment: map[string]string{"A": "ü\n"}, Logging: &move.Logging{Format: "JSON"},
	}
	newest := v
	newest.Number = "$LATEST"
	return &move.Function{
		Name: name, Tags: map[string]string{"t": "1"}, Reserved: &seven, Versions: []move.Version{v, newest},
		Layers: []move.Layer{{ARN: "arn:aws:lambda:us-east-1:000000000000:layer:shared:3", SHA256: layerDigest}},
		Events: []move.Events{{Qualifier: "live", Retries: &seven}}, Permissions: []move.Permission{{Statement: "s", Principal: "*"}},
		Aliases: []move.Alias{{Name: "live", Version: "3", Weights: map[string]float64{"4": 0.25}}},
	}, nil
}

func (s shop) Layer(context.Context, *move.Layer) ([]byte, error) { return []byte("layer"), nil }

func (s shop) Code(context.Context, string, *move.Version) ([]byte, error) { return s.code, nil }

func TestAFileHoldsWhatItWasGiven(t *testing.T) {
	from, name := shop{[]byte("code")}, filepath.Join(t.TempDir(), "b.zip")
	if err := move.Write(t.Context(), name, from, []string{"shop"}); err != nil {
		t.Fatal(err)
	}
	f, err := move.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	names, err := f.Names(t.Context())
	if diff := cmp.Diff([]string{"shop"}, names); diff != "" || err != nil {
		t.Error(diff, err)
	}
	want, _ := from.Function(t.Context(), "shop")
	got, err := f.Function(t.Context(), "shop")
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Fatal(diff, err)
	}
	code, err := f.Code(t.Context(), "shop", &got.Versions[1])
	if string(code) != "code" || err != nil {
		t.Errorf("%q, %v", code, err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestAFailureLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	if err := move.Write(t.Context(), filepath.Join(dir, "b.zip"), shop{}, []string{"shop", "bank"}); err == nil || !strings.Contains(err.Error(), "bank: closed") {
		t.Error(err)
	}
	left, err := fs.Glob(os.DirFS(dir), "*")
	hidden, _ := fs.Glob(os.DirFS(dir), ".*")
	if len(left)+len(hidden) != 0 || err != nil {
		t.Errorf("left %v %v, %v", left, hidden, err)
	}
}

// TestDamagedCodeIsRefused replaces a package in the file by another.
func TestDamagedCodeIsRefused(t *testing.T) {
	from, name := shop{[]byte("code")}, filepath.Join(t.TempDir(), "b.zip")
	if err := move.Write(t.Context(), name, from, []string{"shop"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f := open(t, bytes.Replace(text, []byte("code"), []byte("evil"), -1))
	defer f.Close()
	v := move.Version{Number: "3", SHA256: from.digest()}
	if code, err := f.Code(t.Context(), "shop", &v); err == nil {
		t.Errorf("took %q", code)
	}
}

func open(t *testing.T, text []byte) *move.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "b.zip")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := move.Open(name)
	if err != nil {
		t.Skip("not a zip")
	}
	return f
}

func TestADescriptionOfAnotherFunctionIsRefused(t *testing.T) {
	for _, text := range []string{`{"name":"bank","versions":[]}`, `{"name":"shop","colour":1}`, `{`, ``} {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		entry, err := w.Create("functions/shop.json")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = entry.Write([]byte(text)) // memory takes it
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f := open(t, b.Bytes())
		if got, err := f.Function(t.Context(), "shop"); err == nil {
			t.Errorf("%s: took %+v", text, got)
		}
		_ = f.Close() // it was only read
	}
}

// FuzzFile reads hostile files.
func FuzzFile(f *testing.F) {
	name := filepath.Join(f.TempDir(), "seed.zip")
	if err := move.Write(context.Background(), name, shop{[]byte("code")}, []string{"shop"}); err != nil {
		f.Fatal(err)
	}
	seed, err := os.ReadFile(name)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, text []byte) {
		file := open(t, text)
		defer file.Close()
		names, _ := file.Names(t.Context())
		for _, name := range names {
			fn, err := file.Function(t.Context(), name)
			if err != nil {
				continue
			}
			for i := range fn.Versions {
				_, _ = file.Code(t.Context(), name, &fn.Versions[i]) // an error is as good
			}
		}
	})
}
