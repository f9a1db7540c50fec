package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lambent.dev/lambent/internal/blob"
	"lambent.dev/lambent/internal/blob/file"
)

func TestDigests(t *testing.T) {
	s, dir := open(t)
	want := []string{put(t, s, "one").Digest, put(t, s, "two").Digest}
	slices.Sort(want)
	if err := os.WriteFile(filepath.Join(dir, "blobs", "stray"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := s.Digests(t.Context())
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Digests = %v, %v, want %v", got, err, want)
	}
}

func TestDeleteOlderKeepsWhatWasPutLately(t *testing.T) {
	s, dir := open(t)
	digest := put(t, s, "code").Digest
	age(t, dir, digest)
	put(t, s, "code") // again: young again
	wantDeleted(t, s, digest, false)
	age(t, dir, digest)
	wantDeleted(t, s, digest, true)
	wantDeleted(t, s, digest, false)
	if _, err := s.Open(t.Context(), digest); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Open = %v, want ErrNotFound", err)
	}
	if _, err := s.DeleteOlder(t.Context(), "../lock", time.Now()); !errors.Is(err, blob.ErrBadDigest) {
		t.Errorf("DeleteOlder = %v, want ErrBadDigest", err)
	}
}

func wantDeleted(t *testing.T, s *file.Store, digest string, want bool) {
	t.Helper()
	if got, err := s.DeleteOlder(t.Context(), digest, time.Now().Add(-time.Minute)); err != nil || got != want {
		t.Errorf("DeleteOlder = %v, %v, want %v", got, err, want)
	}
}

// age makes a blob one that was put an hour ago.
func age(t *testing.T, dir, digest string) {
	t.Helper()
	hourAgo := time.Now().Add(-time.Hour)
	path := filepath.Join(dir, "blobs", digest[:2], digest[2:4], digest)
	if err := os.Chtimes(path, hourAgo, hourAgo); err != nil {
		t.Fatal(err)
	}
}

// What Put has returned is there, however often others delete what is old.
func TestDeleteOlderRacesPut(t *testing.T) {
	s, dir := open(t)
	digest := put(t, s, "code").Digest
	var all sync.WaitGroup
	defer all.Wait()
	stop := make(chan struct{})
	defer close(stop)
	all.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := s.DeleteOlder(t.Context(), digest, time.Now().Add(-time.Minute)); err != nil {
				t.Errorf("DeleteOlder: %v", err)
				return
			}
		}
	})
	for range 100 {
		put(t, s, "code")
		age(t, dir, digest) // from here on it may go at any moment, also in that of the next Put
		if _, err := s.Put(t.Context(), strings.NewReader("code"), 4); err != nil {
			t.Fatal(err)
		}
		r, err := s.Open(t.Context(), digest)
		if err != nil {
			t.Fatalf("put and then deleted: %v", err)
		}
		_ = r.Close()
	}
}
