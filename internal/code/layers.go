package code

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/lambda"
)

// Layers returns the absolute path of a folder that shows the packages laid over each
// other in order: where two have a path, the later one's is there, and only folders
// are joined. It is made once per ordered list, of hard links to the unpacked
// packages, under the name lambda.LayersDigest. What it returns must not be written to.
func (p *Packages) Layers(ctx context.Context, digests []string) (string, error) {
	if len(digests) == 1 {
		return p.Folder(ctx, digests[0])
	}
	for _, digest := range digests {
		if _, err := p.path(digest); err != nil {
			return "", err
		}
	}
	name := lambda.LayersDigest(digests)
	return p.shared(ctx, name, filepath.Join(p.dir, name), func(ctx context.Context, final string) error {
		return p.merge(ctx, digests, final)
	})
}

func (p *Packages) merge(ctx context.Context, digests []string, final string) error {
	for _, digest := range digests {
		if _, err := p.Folder(ctx, digest); err != nil {
			return fmt.Errorf("layer %.12s: %w", digest, err)
		}
	}
	return p.publish(final, func(dir string) error { return p.lay(ctx, digests, dir) })
}

// lay fills dir, which is below p.dir.
func (p *Packages) lay(ctx context.Context, digests []string, dir string) error {
	root, err := os.OpenRoot(p.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	target, err := filepath.Rel(p.dir, dir)
	if err != nil {
		return err
	}
	if err := makeFolders(root, target); err != nil {
		return err
	}
	for _, digest := range digests {
		if err := layOver(ctx, root, digest, target); err != nil {
			return fmt.Errorf("laying %.12s over the layers before it: %w", digest, err)
		}
	}
	return flush(root)
}

// layOver links all of the folder from into the folder to. Entries are real folders,
// files and links that stay inside their package: nothing is reached through a link,
// because one that stands where a folder is to be is removed first.
func layOver(ctx context.Context, root *os.Root, from, to string) error {
	return fs.WalkDir(root.FS(), from, func(name string, d fs.DirEntry, err error) error {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil || name == from {
			return err
		}
		return place(root, name, path.Join(to, strings.TrimPrefix(name, from+"/")), d.IsDir())
	})
}

// place puts one entry where it belongs.
func place(root *os.Root, from, to string, folder bool) error {
	have, err := root.Lstat(to)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case folder && have.IsDir():
		return nil
	default:
		if err := root.RemoveAll(to); err != nil {
			return err
		}
	}
	if folder {
		return makeFolders(root, to)
	}
	err = root.Link(from, to)
	if errors.Is(err, unix.EMLINK) { // a file has a limited number of names: ext4 65,000
		return copyEntry(root, from, to)
	}
	return err
}

// copyEntry writes a file or a link anew.
func copyEntry(root *os.Root, from, to string) error {
	info, err := root.Lstat(from)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := root.Readlink(from)
		if err != nil {
			return err
		}
		return root.Symlink(target, to)
	}
	return copyFile(root, from, to, info)
}

func copyFile(root *os.Root, from, to string, info fs.FileInfo) (err error) {
	source, err := root.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	f, err := root.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := io.Copy(f, source); err != nil {
		return err
	}
	if err := f.Chmod(info.Mode().Perm()); err != nil {
		return err
	}
	return root.Chtimes(to, info.ModTime(), info.ModTime())
}

// Unzipped returns how many bytes a package has when it is unpacked, as its directory
// says; Check has held the package to that.
func Unzipped(r io.ReaderAt, size int64) (int64, error) {
	a, err := open(r, size)
	if err != nil {
		return 0, err
	}
	var total int64
	for _, e := range a.entries {
		total += int64(e.file.UncompressedSize64)
	}
	return total, nil
}
