package light

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func ranges(t testing.TB, ids string) *idRanges {
	t.Helper()
	r, err := newIDRanges(ids, "owner")
	if err != nil {
		t.Fatal(err)
	}
	r.path = filepath.Join(t.TempDir(), "ids")
	return r
}

// Two servers of a host never give out the same range, and leave no descriptor open.
func TestServersShareNoIDRange(t *testing.T) {
	one, other := ranges(t, DefaultIDs), ranges(t, DefaultIDs)
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
		r := ranges(t, DefaultIDs)
		r.path = path
		if _, _, err := r.take(); err == nil {
			t.Errorf("%s was taken", path)
		}
	}
}

func TestIDRangesAreDistinctUntilGivenBack(t *testing.T) {
	r := ranges(t, DefaultIDs)
	r.path = filepath.Join(t.TempDir(), "ids")
	seen := map[int]bool{}
	var last func()
	for range r.count {
		first, release, err := r.take()
		if err != nil {
			t.Fatal(err)
		}
		if seen[first] || first < 1879048192 || first+idsOfBox-1 > 1<<31-1 {
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

// Two servers with different ids, of which some are the same, never give out the same range.
func TestServersOfOtherIDsShareNoRange(t *testing.T) {
	one, other := ranges(t, "1000013824-1000210431"), ranges(t, "1000144896-1000275967") // three ranges, two
	other.path = one.path
	seen := map[int]bool{}
	for _, r := range []*idRanges{one, other, one, other, one, other} {
		first, _, err := r.take()
		if err == nil && seen[first] {
			t.Errorf("range at %d a second time", first)
		}
		seen[first] = true
	}
	delete(seen, 0) // of those that got none
	if len(seen) != 4 {
		t.Errorf("ranges at %v, want four", seen)
	}
}

func TestIDsAreWholeRanges(t *testing.T) {
	for _, text := range []string{"", "65536", "1-2", "0-65535", "65536-131072", "65537-131071", "131072-131071", "-", "65536-4294967295", "65536-99999999999", "a-b"} {
		if _, err := newIDRanges(text, "owner"); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	if first, count, err := parseIDs("65536-196607"); first != 1 || count != 2 || err != nil {
		t.Errorf("%d, %d, %v", first, count, err)
	}
}

// BenchmarkIDRange is what a box pays for ids of its own, beside a lock of the kernel's.
func BenchmarkIDRange(b *testing.B) {
	r := ranges(b, DefaultIDs)
	_, _, _ = r.take() // keeps the file open, as boxes do that live
	for b.Loop() {
		_, release, err := r.take()
		if err != nil {
			b.Fatal(err)
		}
		release()
	}
}
