package code

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Digests names all packages that are unpacked or have variants, in no order.
func (p *Packages) Digests(ctx context.Context) ([]string, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return nil, fmt.Errorf("listing unpacked packages: %w", err)
	}
	var found []string
	for _, e := range entries { // sorted: a package stands before its variants
		digest, _, isVariant := strings.Cut(e.Name(), ".")
		_, err := p.path(digest)
		if err == nil && (isVariant || e.IsDir()) {
			found = append(found, digest)
		}
	}
	return slices.Compact(found), nil
}

// DeleteOlder removes an unpacked package that Folder did not hand out since a time, with
// its variants, and says whether it did. A call of Folder at the same time comes before, and the
// folder stays, or after, and it is unpacked again. The caller sees to it that no
// sandbox shows it any more.
func (p *Packages) DeleteOlder(ctx context.Context, digest string, than time.Time) (deleted bool, err error) {
	final, err := p.path(digest)
	if err != nil {
		return false, err
	}
	if err := context.Cause(ctx); err != nil {
		return false, err
	}
	tmp, unlock, err := p.temp()
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp), unlock()) }()
	return p.takeOlder(final, filepath.Join(tmp, "gone"), than)
}

// takeOlder takes a folder's name away, so that nobody finds half of it.
func (p *Packages) takeOlder(final, aside string, than time.Time) (bool, error) {
	p.using.Lock()
	defer p.using.Unlock()
	info, err := os.Lstat(final)
	if err == nil && !info.ModTime().Before(than) {
		return false, nil
	}
	if left, _ := variants(final); errors.Is(err, os.ErrNotExist) && len(left) == 0 {
		return false, nil
	}
	if err == nil || errors.Is(err, os.ErrNotExist) {
		err = moveAside(final, aside)
	}
	if err != nil {
		return false, fmt.Errorf("removing an unpacked package: %w", err)
	}
	return true, nil
}
