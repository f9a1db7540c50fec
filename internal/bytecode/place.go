package bytecode

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"lambent.dev/lambent/internal/runtimes"
)

// cacheFolder is where an interpreter looks for bytecode (PEP 3147).
const cacheFolder = "__pycache__"

// writer puts what was compiled where an interpreter finds it.
type writer interface{ put(r record) error }

func placeOf(root *os.Root, c runtimes.Compiler) (writer, error) {
	if c.Cache != "" {
		return newCache(root, c.Cache)
	}
	return newPlace(root, c.Suffix)
}

// place writes bytecode beside the sources of a folder that nobody sees yet.
type place struct {
	root   *os.Root
	suffix string // in the place of .py
	// sources are those that have none yet.
	sources map[string]bool
}

func newPlace(root *os.Root, suffix string) (*place, error) {
	p := &place{root: root, suffix: suffix, sources: map[string]bool{}}
	err := fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(name, ".py") {
			p.sources[name] = true
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing sources: %w", err)
	}
	return p, nil
}

// put writes one record. All folders of a source's path are real ones: the walk follows no
// links.
func (p *place) put(r record) error {
	if !p.sources[r.path] {
		return fmt.Errorf("%w: %.100q is no source, or came twice", errMalformed, r.path)
	}
	delete(p.sources, r.path)
	folder := path.Join(path.Dir(r.path), cacheFolder)
	name := path.Join(folder, strings.TrimSuffix(path.Base(r.path), ".py")+p.suffix)
	if len(path.Base(name)) > 255 { // NAME_MAX of Linux
		return nil
	}
	free, err := p.clear(folder, name)
	if err != nil || !free {
		return err
	}
	return write(p.root, name, r.code)
}

// clear makes the folder and removes what has the name: bytecode that an import would not
// take, of the package. Its other names stay. What a package put there instead of a
// folder or a file stays, too: false.
func (p *place) clear(folder, name string) (free bool, err error) {
	err = p.root.Mkdir(folder, 0o755)
	if err == nil {
		return true, p.root.Chmod(folder, 0o755)
	}
	if !errors.Is(err, fs.ErrExist) {
		return false, err
	}
	if info, err := p.root.Lstat(folder); err != nil || !info.IsDir() {
		return false, err
	}
	info, err := p.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil || !info.Mode().IsRegular():
		return false, err
	}
	return true, p.root.Remove(name)
}

// write never writes through what is there: O_EXCL.
func write(root *os.Root, name string, code []byte) (err error) {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(code); err != nil {
		return err
	}
	return f.Chmod(0o644)
}
