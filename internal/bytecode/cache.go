package bytecode

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"lambent.dev/lambent/internal/runtimes"
)

// cached are the names that Node gives: a folder for its version, processor, flags and user, in it a
// file for each source, by a hash of its path (Node's src/compile_cache.cc).
var cached = regexp.MustCompile(`^v[0-9][0-9A-Za-z.-]{0,100}/[0-9a-f]{1,16}$`)

// cache writes the files of an interpreter's cache into a folder of their own.
type cache struct {
	root   *os.Root
	folder string
}

// newCache refuses a package that has something of the folder's name: nothing of it is
// replaced.
func newCache(root *os.Root, folder string) (*cache, error) {
	if err := root.Mkdir(folder, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of the cache: %w", err)
	}
	return &cache{root, folder}, root.Chmod(folder, 0o755)
}

// put writes one record, each name once.
func (c *cache) put(r record) error {
	if !cached.MatchString(r.path) {
		return fmt.Errorf("%w: %.100q is no file of a cache", errMalformed, r.path)
	}
	folder, name, _ := strings.Cut(r.path, "/")
	folder = filepath.Join(c.folder, folder)
	err := c.root.Mkdir(folder, 0o755)
	if err == nil {
		err = c.root.Chmod(folder, 0o755)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return write(c.root, filepath.Join(folder, name), r.code)
}

// gains says whether a package has sources enough to be worth compiling.
func gains(folder string, c runtimes.Compiler) (bool, error) {
	left := c.Least
	err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case left <= 0:
			return fs.SkipAll
		case !d.Type().IsRegular() || !slices.ContainsFunc(c.Sources, func(end string) bool { return strings.HasSuffix(name, end) }):
			return nil
		}
		info, err := d.Info()
		if err == nil {
			left -= info.Size()
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("looking for sources: %w", err)
	}
	return left <= 0, nil
}
