package code

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"golang.org/x/sys/unix"
)

// A variant is a copy of an unpacked package, of hard links, to which something was
// added; its kind says what. It stands beside its package under the package's digest and
// the kind, and goes when the package goes. A package that gains nothing has an empty
// file there instead, so that nobody tries again.

// kinds are the names that a kind of variant may have.
var kinds = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,30}$`)

func (p *Packages) variant(digest, kind string) (string, error) {
	final, err := p.path(digest)
	if err != nil {
		return "", err
	}
	if !kinds.MatchString(kind) {
		return "", fmt.Errorf("kind of variant %.80q: want %v", kind, kinds)
	}
	return final + "." + kind, nil
}

// Variant returns the absolute path of a package's variant, "" if there is none, and
// whether it is decided which of the two it is. Its package must be in use: nothing is noted.
// What it returns must not be written to.
func (p *Packages) Variant(digest, kind string) (folder string, decided bool) {
	final, err := p.variant(digest, kind)
	if err != nil {
		return "", false
	}
	info, err := os.Lstat(final)
	if err != nil || !info.IsDir() {
		return "", err == nil
	}
	return final, true
}

// MakeVariant lays a copy of an unpacked package, of one or of layers, and lets fill add
// to it. Regular files in it are shared with the package: fill must replace, not write
// them. Nobody sees the folder before all of it is on disk; when fill fails nobody ever does.
func (p *Packages) MakeVariant(ctx context.Context, digest, kind string, fill func(folder *os.Root) error) error {
	final, err := p.variant(digest, kind)
	if err != nil {
		return err
	}
	err = p.publish(final, func(dir string) error { return p.fillCopy(ctx, digest, dir, fill) })
	if errors.Is(err, unix.ENOTDIR) { // somebody decided meanwhile that there is none
		return nil
	}
	if err != nil {
		return fmt.Errorf("making %s of package %.12s: %w", kind, digest, err)
	}
	return nil
}

func (p *Packages) fillCopy(ctx context.Context, digest, dir string, fill func(*os.Root) error) error {
	if err := p.lay(ctx, []string{digest}, dir); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := fill(root); err != nil {
		return err
	}
	return flush(root)
}

// NoVariant notes that a package gains nothing from a kind.
func (p *Packages) NoVariant(digest, kind string) error {
	final, err := p.variant(digest, kind)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(final, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("noting that package %.12s has no %s: %w", digest, kind, err)
	}
	return f.Close()
}

// variants lists the paths of all variants of a package.
func variants(final string) ([]string, error) { return filepath.Glob(final + ".*") }

// moveAside takes the names of a package and its variants away, the package's last: what
// has a digest's name is found again after a crash.
func moveAside(final, aside string) error {
	all, err := variants(final)
	if err != nil {
		return err
	}
	for i, name := range append(slices.Clip(all), final) {
		err := os.Rename(name, fmt.Sprintf("%s-%d", aside, i))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
