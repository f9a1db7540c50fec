package code

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path"
)

// unpack writes a package into an empty folder. It does not clean up after an error:
// the folder is the caller's.
func unpack(ctx context.Context, a *archive, root *os.Root) error {
	if err := root.Chmod(".", 0o755); err != nil {
		return err
	}
	if err := a.walk(writer(ctx, root)); err != nil {
		return err
	}
	return flush(root)
}

// writer writes entries below root until ctx ends.
func writer(ctx context.Context, root *os.Root) func(entry, io.Reader) error {
	return func(e entry, content io.Reader) error {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		return write(root, e, content)
	}
}

func write(root *os.Root, e entry, content io.Reader) error {
	if e.kind == fs.ModeDir {
		return makeFolders(root, e.path)
	}
	if err := makeFolders(root, path.Dir(e.path)); err != nil {
		return err
	}
	if e.isLink() {
		return writeLink(root, e, content)
	}
	return writeFile(root, e, content)
}

// makeFolders makes name and its parents with the mode that functions see, whatever
// the process's umask is.
func makeFolders(root *os.Root, name string) error {
	if name == "." {
		return nil
	}
	if info, err := root.Lstat(name); err == nil && info.IsDir() {
		return nil
	}
	if err := makeFolders(root, path.Dir(name)); err != nil {
		return err
	}
	if err := root.Mkdir(name, 0o755); err != nil {
		return err
	}
	return root.Chmod(name, 0o755)
}

func writeLink(root *os.Root, e entry, content io.Reader) error {
	target, err := e.target(content)
	if err != nil {
		return err
	}
	return root.Symlink(target, e.path)
}

func writeFile(root *os.Root, e entry, content io.Reader) (err error) {
	mode := fs.FileMode(0o644)
	if e.exec {
		mode = 0o755
	}
	// O_EXCL: nothing is ever written through what is there already.
	f, err := root.OpenFile(e.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	if _, err := io.Copy(f, content); err != nil {
		return err
	}
	if err := f.Chmod(mode); err != nil {
		return err
	}
	// A .pyc is valid only for a source of the time that it names.
	return root.Chtimes(e.path, e.file.Modified, e.file.Modified)
}

// flush brings the folder to disk before it gets its name: a folder with its name is
// whole, also after a power cut.
func flush(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	return syncAll(int(dir.Fd()))
}
