package code

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestDeleteOlder(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	digest := b.put(makeZip(t, file("a")))
	for range 2 { // unpack, delete, delete again; and all of it again
		dir, err := p.Folder(t.Context(), digest)
		if err != nil {
			t.Fatal(err)
		}
		wantDeleted(t, p, digest, time.Now().Add(-time.Minute), false)
		wantDeleted(t, p, digest, time.Now().Add(time.Minute), true)
		wantDeleted(t, p, digest, time.Now().Add(time.Minute), false)
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("still there: %v", err)
		}
	}
	if got := list(t, p.dir); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
}

func TestHandingOutMakesYoung(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	digest := b.put(makeZip(t, file("a")))
	for range 2 { // unpacked, then found
		dir, err := p.Folder(t.Context(), digest)
		if err != nil {
			t.Fatal(err)
		}
		wantDeleted(t, p, digest, time.Now().Add(-time.Minute), false)
		hourAgo := time.Now().Add(-time.Hour)
		if err := os.Chtimes(dir, hourAgo, hourAgo); err != nil {
			t.Fatal(err)
		}
	}
}

func wantDeleted(t *testing.T, p *Packages, digest string, than time.Time, want bool) {
	t.Helper()
	if got, err := p.DeleteOlder(t.Context(), digest, than); err != nil || got != want {
		t.Errorf("DeleteOlder = %v, %v, want %v", got, err, want)
	}
}

func TestDigestsNamesWholePackagesOnly(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	digest := b.put(makeZip(t, file("a")))
	if _, err := p.Folder(t.Context(), digest); err != nil {
		t.Fatal(err)
	}
	_, unlock, err := p.temp()
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if got, err := p.Digests(t.Context()); err != nil || !slices.Equal(got, []string{digest}) {
		t.Errorf("Digests = %v, %v", got, err)
	}
}

// A folder that was just handed out is whole and stays, however often others try to
// delete what nobody took lately.
func TestDeleteOlderRacesFolder(t *testing.T) {
	b := &blobs{}
	p := newPackages(t, b)
	digest := b.put(makeZip(t, file("a")))
	var all sync.WaitGroup
	defer all.Wait()
	stop := make(chan struct{})
	defer close(stop)
	all.Go(func() { keepDeleting(t, p, digest, stop) })
	for range 200 {
		dir, err := p.Folder(t.Context(), digest)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(dir + "/a"); err != nil {
			t.Fatalf("handed out and then deleted: %v", err)
		}
		hourAgo := time.Now().Add(-time.Hour)
		if err := os.Chtimes(dir, hourAgo, hourAgo); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

func keepDeleting(t *testing.T, p *Packages, digest string, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		if _, err := p.DeleteOlder(t.Context(), digest, time.Now().Add(-time.Minute)); err != nil {
			t.Errorf("DeleteOlder: %v", err)
			return
		}
	}
}
