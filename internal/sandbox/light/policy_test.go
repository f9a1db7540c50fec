package light

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Two servers of a host never give out the same range, and leave no descriptor open.
func TestServersShareNoIDRange(t *testing.T) {
	one, other := newIDRanges("same"), newIDRanges("same")
	one.path = filepath.Join(t.TempDir(), "ids")
	other.path = one.path
	seen, releases := map[int]bool{}, []func(){}
	for i := range 200 {
		r := one
		if i%2 == 0 {
			r = other
		}
		first, release, err := r.take()
		if err != nil || seen[first] {
			t.Fatalf("range at %d, %v, a second time: %v", first, err, seen[first])
		}
		seen[first], releases = true, append(releases, release)
	}
	for _, release := range releases {
		release()
	}
	if one.file != nil || other.file != nil {
		t.Error("the file is still open")
	}
	one.next = other.next - 1
	if first, release, err := one.take(); err != nil || !seen[first] {
		t.Errorf("range at %d, %v, not one that the other gave back", first, err)
	} else {
		release()
	}
}

// A file that others could lock is not trusted.
func TestIDRangesRefuseAForeignFile(t *testing.T) {
	dir := t.TempDir()
	open, link := filepath.Join(dir, "open"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(open, nil, 0o600), os.Chmod(open, 0o666), os.Symlink("elsewhere", link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{open, link} {
		r := newIDRanges("owner")
		r.path = path
		if _, _, err := r.take(); err == nil {
			t.Errorf("%s was taken", path)
		}
	}
}

func TestIDRangesAreDistinctUntilGivenBack(t *testing.T) {
	r := newIDRanges("owner")
	r.path = filepath.Join(t.TempDir(), "ids")
	seen := map[int]bool{}
	var last func()
	for range boxRanges {
		first, release, err := r.take()
		if err != nil {
			t.Fatal(err)
		}
		if seen[first] || first < firstID || first+idsOfBox-1 > 1<<31-1 {
			t.Fatalf("range at %d", first)
		}
		seen[first], last = true, release
	}
	if _, _, err := r.take(); err == nil {
		t.Error("one range too many")
	}
	last()
	if _, _, err := r.take(); err != nil {
		t.Errorf("after one was given back: %v", err)
	}
}
