package file

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"syscall"

	"lambent.dev/lambent/internal/blob"
	"lambent.dev/lambent/internal/cleanup"
)

const (
	blobFolder = "blobs"
	tempFolder = "tmp"

	folderMode = 0o700 // code may hold secrets
	fileMode   = 0o600
)

// Store implements blob.Store in a folder. Every path goes through an os.Root, so
// that not even a link planted in the folder leads out of it.
type Store struct {
	root *os.Root

	naming sync.Mutex // held while a blob gets its name, and while the age of one decides
}

var _ blob.Store = (*Store)(nil)

// Open makes dir where it is missing and sweeps what a crash left behind.
func Open(dir string) (_ *Store, err error) {
	var undo cleanup.Stack
	defer undo.Run(&err)
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return nil, fmt.Errorf("opening the blob store: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the blob store: %w", err)
	}
	undo.Add(root.Close)
	s := &Store{root: root}
	if err := s.prepare(); err != nil {
		return nil, fmt.Errorf("opening the blob store: %w", explain(err))
	}
	undo.Release()
	return s, nil
}

func (s *Store) prepare() error {
	for _, folder := range []string{blobFolder, tempFolder} {
		if err := s.makeFolder(folder); err != nil {
			return err
		}
	}
	return s.sweep()
}

// Close frees the store's folder. Readers stay usable.
func (s *Store) Close() error { return s.root.Close() }

// Put implements blob.Store.
func (s *Store) Put(ctx context.Context, r io.Reader, limit int64) (_ blob.Info, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("storing a blob: %w", explain(err))
		}
	}()
	t, err := s.newTemp()
	if err != nil {
		return blob.Info{}, err
	}
	defer func() { err = errors.Join(err, t.discard()) }()
	info, err := fill(ctx, t.file, r, limit)
	if err != nil {
		return blob.Info{}, err
	}
	return info, s.publish(t, info.Digest)
}

// fill copies at most limit bytes into f, makes them durable and names them.
func fill(ctx context.Context, f *os.File, r io.Reader, limit int64) (blob.Info, error) {
	sum := sha256.New()
	source := &cancelled{ctx, io.LimitReader(r, limit+1)}
	size, err := io.Copy(io.MultiWriter(f, sum), source)
	if err != nil {
		return blob.Info{}, err
	}
	if size > limit {
		return blob.Info{}, fmt.Errorf("%w of %d bytes", blob.ErrTooLarge, limit)
	}
	return blob.InfoOf([32]byte(sum.Sum(nil)), size), f.Sync()
}

// publish gives a temporary file its name. A file of that name is replaced: it has
// the same content, or is damaged and now healed.
func (s *Store) publish(t *temp, digest string) error {
	name := nameOf(digest)
	folder := path.Dir(name)
	for _, folder := range []string{path.Dir(folder), folder} {
		if err := s.makeFolder(folder); err != nil {
			return err
		}
	}
	if err := s.rename(t.name, name); err != nil {
		return err
	}
	return s.syncFolder(folder)
}

func (s *Store) rename(from, to string) error {
	s.naming.Lock()
	defer s.naming.Unlock()
	return s.root.Rename(from, to)
}

// Open implements blob.Store.
func (s *Store) Open(_ context.Context, digest string) (blob.Reader, error) {
	return s.open(digest)
}

func (s *Store) open(digest string) (*reader, error) {
	if err := blob.CheckDigest(digest); err != nil {
		return nil, err
	}
	f, err := s.root.Open(nameOf(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", blob.ErrNotFound, digest)
	}
	if err != nil {
		return nil, fmt.Errorf("opening blob %s: %w", digest, err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening blob %s: %w", digest, err), f.Close())
	}
	return &reader{f, info.Size()}, nil
}

// reader is an open blob. Its size cannot change: blobs are never written in place.
type reader struct {
	*os.File
	size int64
}

// Size implements blob.Reader.
func (r *reader) Size() int64 { return r.size }

// Verify implements blob.Store.
func (s *Store) Verify(ctx context.Context, digest string) error {
	r, err := s.open(digest)
	if err != nil {
		return err
	}
	sum := sha256.New()
	size, err := io.Copy(sum, &cancelled{ctx, r.File})
	if err := errors.Join(err, r.Close()); err != nil {
		return fmt.Errorf("verifying blob %s: %w", digest, err)
	}
	if got := blob.InfoOf([32]byte(sum.Sum(nil)), size).Digest; got != digest {
		return fmt.Errorf("%w: %s holds the %d bytes of %s: delete it and store it again", blob.ErrDamaged, digest, size, got)
	}
	return nil
}

// nameOf is a blob's path. Two levels keep folders small; the digest was checked.
func nameOf(digest string) string {
	return path.Join(blobFolder, digest[:2], digest[2:4], digest)
}

// makeFolder makes a folder durable: its entry is its parent's data. One that exists
// may have been made a moment ago, and not be durable yet.
func (s *Store) makeFolder(name string) error {
	if err := s.root.Mkdir(name, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return s.syncFolder(path.Dir(name))
}

func (s *Store) syncFolder(name string) error {
	f, err := s.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// cancelled reads until its context ends.
type cancelled struct {
	ctx context.Context
	io.Reader
}

func (c *cancelled) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.Reader.Read(p)
}

func explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: free some space: %w", blob.ErrFull, err)
	}
	return err
}
