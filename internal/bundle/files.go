package bundle

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

// file is one file of a package.
type file struct {
	name       string // with slashes
	executable bool
	content    []byte
}

// packFiles takes sources as they are.
func packFiles(_ context.Context, s *source) ([]file, error) {
	if s.single && !s.options.Install {
		return s.packEntry()
	}
	return readFolder(s.dir, nil)
}

// packEntry takes one file. JavaScript that exports with ES syntax gets the extension by
// which Node knows it without a package.json.
func (s *source) packEntry() ([]file, error) {
	text, err := os.ReadFile(filepath.Join(s.dir, s.entry))
	if err != nil {
		return nil, err
	}
	name := s.entry
	if filepath.Ext(name) == ".js" && esSyntax.Match(text) {
		name = s.module() + ".mjs"
	}
	return []file{{name: name, content: text}}, nil
}

// skipped says what of a folder is never deployed: hidden files, the version control's
// among them, Python's caches, and virtual environments.
func skipped(dir, name string, folder bool) bool {
	base := path.Base(name)
	if strings.HasPrefix(base, ".") || base == "__pycache__" || strings.HasSuffix(base, ".pyc") {
		return true
	}
	if !folder {
		return false
	}
	_, err := os.Stat(filepath.Join(dir, name, "pyvenv.cfg"))
	return err == nil
}

// reader collects a folder's files. Links are followed as long as they stay in the folder.
type reader struct {
	dir   string
	root  *os.Root
	leave func(name string) bool
	links int // folders' links that are being followed
	size  int64
	files []file
}

// readFolder reads all files of a folder but those to leave; nil leaves none.
func readFolder(dir string, leave func(name string) bool) ([]file, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	r := &reader{dir: dir, root: root, leave: leave}
	err = fs.WalkDir(root.FS(), ".", r.visit)
	return r.files, err
}

func (r *reader) visit(name string, d fs.DirEntry, err error) error {
	if err != nil || name == "." {
		return err
	}
	if skipped(r.dir, name, d.IsDir()) || r.leave != nil && r.leave(name) {
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	if d.IsDir() {
		return nil
	}
	return r.add(name)
}

func (r *reader) add(name string) error {
	info, err := r.root.Stat(name)
	if err != nil {
		return fmt.Errorf("%s: %w: links may not lead out of the folder", name, err)
	}
	if info.IsDir() {
		return r.follow(name)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is %s, not a file: leave it out of the folder", name, info.Mode().Type())
	}
	if r.size += info.Size(); r.size > lambda.MaxUnzipped {
		return fmt.Errorf("the folder holds more than %d MB, the most that Lambda takes: leave out what does not run", lambda.MaxUnzipped/1_000_000)
	}
	content, err := r.root.ReadFile(name)
	r.files = append(r.files, file{name, info.Mode()&0o111 != 0, content})
	return err
}

// maxLinks bounds links to folders inside of each other: they may go in a circle.
const maxLinks = 4

// follow reads a folder that is a link, as npm makes them in node_modules.
func (r *reader) follow(name string) error {
	if r.links++; r.links > maxLinks {
		return fmt.Errorf("%s: links to folders go in a circle: leave them out", name)
	}
	defer func() { r.links-- }()
	return fs.WalkDir(r.root.FS(), name, func(inside string, d fs.DirEntry, err error) error {
		if inside == name {
			return err
		}
		return r.visit(inside, d, err)
	})
}
