package code

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const kind = "python3.12"

// addTo replaces one file of a package and adds another, as its users do.
func addTo(root *os.Root) error {
	if err := root.Remove("lib/old.pyc"); err != nil {
		return err
	}
	return errors.Join(root.WriteFile("lib/old.pyc", []byte("new"), 0o644), root.WriteFile("added", []byte("a"), 0o644))
}

func twoFiles(t *testing.T) []byte {
	t.Helper()
	return makeZip(t, text("app.py", "x"), text("lib/old.pyc", "old"))
}

func TestVariantIsACopyWithAdditions(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	digest := b.put(twoFiles(t))
	folder, err := p.Folder(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	before := list(t, folder)
	if folder, decided := p.Variant(digest, kind); folder != "" || decided {
		t.Errorf("there is %q, decided %v, before it was made", folder, decided)
	}
	if err := p.MakeVariant(t.Context(), digest, kind, addTo); err != nil {
		t.Fatal(err)
	}
	variant, decided := p.Variant(digest, kind)
	if !decided || variant == "" {
		t.Fatalf("variant %q, decided %v", variant, decided)
	}
	if diff := cmp.Diff(before, list(t, folder)); diff != "" {
		t.Errorf("the package changed:\n%s", diff)
	}
	after := list(t, variant)
	if len(after) != len(before)+1 || after["app.py"] != before["app.py"] || after["lib/old.pyc"] == before["lib/old.pyc"] {
		t.Errorf("variant has %v, package %v", after, before)
	}
	if other, decided := p.Variant(digest, "python3.11"); other != "" || decided {
		t.Errorf("another kind has %q", other)
	}
	again := func(*os.Root) error { t.Error("made again"); return nil }
	if err := p.MakeVariant(t.Context(), digest, kind, again); err != nil {
		t.Error(err)
	}
}

// Files are shared with the package, not copied.
func TestVariantIsOfHardLinks(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	digest := b.put(twoFiles(t))
	folder, err := p.Folder(t.Context(), digest)
	if err == nil {
		err = p.MakeVariant(t.Context(), digest, kind, addTo)
	}
	if err != nil {
		t.Fatal(err)
	}
	variant, _ := p.Variant(digest, kind)
	one, err1 := os.Stat(filepath.Join(folder, "app.py"))
	two, err2 := os.Stat(filepath.Join(variant, "app.py"))
	if err := errors.Join(err1, err2); err != nil || !os.SameFile(one, two) {
		t.Errorf("app.py was copied (%v)", err)
	}
}

func TestVariantThatFailsIsNowhere(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	digest := b.put(twoFiles(t))
	if _, err := p.Folder(t.Context(), digest); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("no")
	fill := func(root *os.Root) error { return errors.Join(addTo(root), failed) }
	if err := p.MakeVariant(t.Context(), digest, kind, fill); !errors.Is(err, failed) {
		t.Errorf("err = %v", err)
	}
	if left, err := os.ReadDir(p.dir); err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestNoVariantIsRemembered(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	digest := b.put(twoFiles(t))
	if _, err := p.Folder(t.Context(), digest); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.NoVariant(digest, kind); err != nil {
			t.Fatal(err)
		}
	}
	if folder, decided := p.Variant(digest, kind); folder != "" || !decided {
		t.Errorf("variant %q, decided %v", folder, decided)
	}
	if err := p.MakeVariant(t.Context(), digest, kind, addTo); err != nil {
		t.Error(err)
	}
	if folder, _ := p.Variant(digest, kind); folder != "" {
		t.Errorf("%q was made after all", folder)
	}
}

func TestVariantsGoWithTheirPackage(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	digest := b.put(twoFiles(t))
	makeAll := func() {
		t.Helper()
		_, err := p.Folder(t.Context(), digest)
		if err := errors.Join(err, p.MakeVariant(t.Context(), digest, kind, addTo), p.NoVariant(digest, "python3.11")); err != nil {
			t.Fatal(err)
		}
	}
	makeAll()
	if all, err := p.Digests(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("digests %q, %v", all, err)
	}
	removed(t, p, digest)
	makeAll() // unpacked again, and everything is made anew
	if _, decided := p.Variant(digest, kind); !decided {
		t.Error("was not made again")
	}
	// A package that is lost does not keep its variants alive.
	if err := os.RemoveAll(filepath.Join(p.dir, digest)); err != nil {
		t.Fatal(err)
	}
	if all, err := p.Digests(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("digests %q, %v", all, err)
	}
	removed(t, p, digest)
}

func removed(t *testing.T, p *Packages, digest string) {
	t.Helper()
	if gone, err := p.DeleteOlder(t.Context(), digest, time.Now().Add(time.Hour)); err != nil || !gone {
		t.Errorf("gone %v, %v", gone, err)
	}
	if left, err := os.ReadDir(p.dir); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// Layers that are laid over each other are laid from packages as they were deployed.
func TestLayersTakeNothingFromVariants(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	one, two := b.put(twoFiles(t)), b.put(makeZip(t, text("app.py", "y")))
	if _, err := p.Folder(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	if err := p.MakeVariant(t.Context(), one, kind, addTo); err != nil {
		t.Fatal(err)
	}
	merged, err := p.Layers(t.Context(), []string{one, two})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(merged, "added")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a variant added is in the layers: %v", err)
	}
}

func TestVariantsHaveSafeNames(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	digest := b.put(twoFiles(t))
	for _, bad := range []string{"", "/etc", "..", "a/b", "A", "*"} {
		err := p.MakeVariant(context.Background(), digest, bad, addTo)
		if err == nil {
			t.Errorf("kind %q was taken", bad)
		}
	}
	if _, decided := p.Variant("../../etc", kind); decided {
		t.Error("a digest that is a path was taken")
	}
}
