package code

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
)

// layersOf puts zips and lays them over each other.
func layersOf(t *testing.T, p *Packages, b *blobs, zips ...[]byte) string {
	t.Helper()
	var digests []string
	for _, z := range zips {
		digests = append(digests, b.put(z))
	}
	dir, err := p.Layers(t.Context(), digests)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLayersLieOverEachOther(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	first := makeZip(t, text("python/a.py", "1"), text("python/b.py", "1"), text("lib", "a file"), link("python/c", "b.py"), text("bin/tool", "1"))
	second := makeZip(t, text("python/b.py", "2"), text("lib/deep/x", "2"), text("python/c", "2"), link("bin", "lib"))
	got := list(t, layersOf(t, p, b, first, second))
	want := list(t, layersOf(t, p, b, makeZip(t,
		text("python/a.py", "1"), text("python/b.py", "2"), text("lib/deep/x", "2"), text("python/c", "2"), link("bin", "lib"))))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("laid over each other (-want +got):\n%s", diff)
	}
	turned := list(t, layersOf(t, p, b, second, first))
	if turned["python/b.py"] == got["python/b.py"] || turned["lib"] == got["lib"] {
		t.Errorf("the order does not count: %v", turned)
	}
}

// A later layer cannot write through a link of an earlier one: the link goes.
func TestLayersAreNotLaidThroughLinks(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	first := makeZip(t, text("kept/x", "kept"), link("alias", "kept"))
	dir := layersOf(t, p, b, first, makeZip(t, text("alias/x", "changed")))
	for name, want := range map[string]string{"kept/x": "kept", "alias/x": "changed"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s = %q, %v, want %q", name, got, err, want)
		}
	}
	if got := list(t, layersOf(t, p, b, first)); got["kept/x"] == "" {
		t.Errorf("the single layer has changed: %v", got)
	}
}

func TestLayersAreLaidOnce(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	digests := []string{b.put(makeZip(t, text("a", "1"))), b.put(makeZip(t, text("b", "1")))}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := p.Layers(t.Context(), digests); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := b.opens.Load(); n != 2 {
		t.Errorf("packages were opened %d times, want each once", n)
	}
	dir, err := p.Layers(t.Context(), digests)
	if err != nil || filepath.Base(dir) != lambda.LayersDigest(digests) {
		t.Errorf("Layers = %s, %v", dir, err)
	}
	left, err := filepath.Glob(filepath.Join(p.dir, unfinished+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestOneLayerIsItsPackage(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	digest := b.put(makeZip(t, text("a", "1")))
	folder, err := p.Folder(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	if dir, err := p.Layers(t.Context(), []string{digest}); err != nil || dir != folder {
		t.Errorf("Layers = %s, %v, want %s", dir, err, folder)
	}
}

func TestLayersFail(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	good, bad := b.put(makeZip(t, text("a", "1"))), b.put([]byte("no zip"))
	missing := lambda.LayersDigest([]string{"x", "y"})
	var wrong *lambda.Error
	if _, err := p.Layers(t.Context(), []string{good, bad}); !errors.As(err, &wrong) {
		t.Errorf("err = %v, want AWS's", err)
	}
	if _, err := p.Layers(t.Context(), []string{good, missing}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("err = %v, want fs.ErrNotExist", err)
	}
	if _, err := p.Layers(t.Context(), []string{good, "../" + good}); err == nil {
		t.Error("a path is taken for a digest")
	}
}

// A file can have a limited number of names; what exceeds it is copied.
func TestLayersCopyWhatCannotBeLinked(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	dir := layersOf(t, p, b, makeZip(t, text("run", "#!/bin/sh"), link("also", "run")))
	if err := os.Mkdir(filepath.Join(p.dir, "copy"), 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, name := range []string{"run", "also"} {
		if err := copyEntry(root, filepath.Base(dir)+"/"+name, "copy/"+name); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(list(t, dir), list(t, filepath.Join(p.dir, "copy"))); diff != "" {
		t.Errorf("copied (-want +got):\n%s", diff)
	}
}

func TestUnzipped(t *testing.T) {
	z := makeZip(t, text("a", "12345"), text("b/c", "678"))
	if n, err := Unzipped(bytes.NewReader(z), int64(len(z))); err != nil || n != 8 {
		t.Errorf("Unzipped = %d, %v, want 8", n, err)
	}
	if _, err := Unzipped(bytes.NewReader(nil), 0); err == nil {
		t.Error("nothing has a size")
	}
}

func text(name, body string) item { return item{name: name, body: body, mode: 0o644} }
