package code

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/sys/unix"
)

// Blobs holds the zips, keyed by the hex of their SHA-256.
type Blobs interface {
	Open(ctx context.Context, digest string) (io.ReadSeekCloser, error)
}

// Packages unpacks stored zips into folders and keeps them. Its methods may be
// called from many goroutines. A folder's modification time says when it was last
// handed out.
type Packages struct {
	dir   string
	blobs Blobs
	once  singleflight.Group

	using sync.Mutex // held while a folder is handed out or its last use is judged
}

// unpackLimit bounds one unpacking; the largest package takes a few seconds.
const unpackLimit = 2 * time.Minute

var errUnpackLimit = fmt.Errorf("unpacking took longer than %v", unpackLimit)

// New opens the folder dir, makes it if need be, and removes what an earlier process
// left unfinished. Other processes may use dir at the same time.
func New(dir string, blobs Blobs) (*Packages, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of packages: %w", err)
	}
	if err := sweep(dir); err != nil {
		return nil, fmt.Errorf("removing unfinished packages: %w", err)
	}
	return &Packages{dir: dir, blobs: blobs}, nil
}

// Folder returns the absolute path of the unpacked package. The first call for a
// digest unpacks it; callers meanwhile share that work, and one who leaves does not
// end it for the others. What it returns must not be written to.
func (p *Packages) Folder(ctx context.Context, digest string) (string, error) {
	final, err := p.path(digest)
	if err != nil {
		return "", err
	}
	return p.shared(ctx, digest, final, func(ctx context.Context, final string) error { return p.make(ctx, digest, final) })
}

// shared returns the folder final, which make makes if it is not there, once for all
// who wait for the key.
func (p *Packages) shared(ctx context.Context, key, final string, make func(ctx context.Context, final string) error) (string, error) {
	if p.use(final) == nil {
		return final, nil
	}
	made := p.once.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), unpackLimit, errUnpackLimit)
		defer cancel()
		return nil, make(ctx, final)
	})
	select {
	case result := <-made:
		return final, result.Err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// path checks that a digest is one, and so that it cannot be a path elsewhere.
func (p *Packages) path(digest string) (string, error) {
	if b, err := hex.DecodeString(digest); err != nil || len(b) != 32 || digest != strings.ToLower(digest) {
		return "", fmt.Errorf("package digest %.80q is not a SHA-256 in hex", digest)
	}
	return filepath.Join(p.dir, digest), nil
}

// use notes that a folder is handed out now; an error says that there is none.
func (p *Packages) use(final string) error {
	p.using.Lock()
	defer p.using.Unlock()
	now := time.Now()
	return os.Chtimes(final, now, now)
}

func (p *Packages) make(ctx context.Context, digest, final string) error {
	err := p.publish(final, func(dir string) error { return p.unpackTo(ctx, digest, dir) })
	if err != nil {
		return fmt.Errorf("unpacking package %.12s: %w", digest, err)
	}
	return nil
}

// publish fills a folder beside the final one and then renames it, so that a folder
// with its name is always whole.
func (p *Packages) publish(final string, fill func(dir string) error) (err error) {
	if _, err := os.Lstat(final); err == nil {
		return nil // made between the caller's look and now
	}
	tmp, unlock, err := p.temp()
	if err != nil {
		return err
	}
	defer unlock()
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	if err := fill(filepath.Join(tmp, "new")); err != nil {
		return err
	}
	err = os.Rename(filepath.Join(tmp, "new"), final)
	if errors.Is(err, os.ErrExist) || errors.Is(err, unix.ENOTEMPTY) {
		return nil // another process was faster; content has one address
	}
	return err
}

func (p *Packages) unpackTo(ctx context.Context, digest, dir string) error {
	blob, err := p.blobs.Open(ctx, digest)
	if err != nil {
		return err
	}
	defer blob.Close()
	r, size, err := readerAt(blob)
	if err != nil {
		return err
	}
	a, err := open(r, size)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return unpack(ctx, a, root)
}
