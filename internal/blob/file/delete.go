package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"lambent.dev/lambent/internal/blob"
)

// Delete implements blob.Store. The fan-out folders stay: they are at most 65,536.
func (s *Store) Delete(_ context.Context, digest string) error {
	if err := blob.CheckDigest(digest); err != nil {
		return err
	}
	return s.gone(digest, s.root.Remove(nameOf(digest)))
}

// gone makes a removal durable. A blob that was not there is gone as well.
func (s *Store) gone(digest string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = s.syncFolder(path.Dir(nameOf(digest)))
	}
	if err != nil {
		return fmt.Errorf("deleting blob %s: %w", digest, err)
	}
	return nil
}

// DeleteOlder implements blob.Store. A blob's time is that of its last Put: it is never
// written in place.
func (s *Store) DeleteOlder(_ context.Context, digest string, than time.Time) (bool, error) {
	if err := blob.CheckDigest(digest); err != nil {
		return false, err
	}
	old, err := s.removeOlder(nameOf(digest), than)
	return old, s.gone(digest, err)
}

func (s *Store) removeOlder(name string, than time.Time) (bool, error) {
	s.naming.Lock()
	defer s.naming.Unlock()
	info, err := s.root.Lstat(name)
	if err != nil || !info.ModTime().Before(than) {
		return false, err
	}
	err = s.root.Remove(name)
	return err == nil, err
}

// Digests implements blob.Store.
func (s *Store) Digests(ctx context.Context) ([]string, error) {
	var found []string
	err := fs.WalkDir(s.root.FS(), blobFolder, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && blob.CheckDigest(d.Name()) == nil {
			found = append(found, d.Name())
		}
		return errors.Join(err, context.Cause(ctx))
	})
	if err != nil {
		return nil, fmt.Errorf("listing blobs: %w", err)
	}
	return found, nil
}
