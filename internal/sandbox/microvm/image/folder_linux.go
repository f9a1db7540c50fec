package image

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/sync/singleflight"
)

// CodeSize is the size of a device that shows a function's folder, in bytes. It cannot change
// in a guest that was restored, so all images are this long; what is missing is a hole.
const CodeSize = 4 << 30

// Folders makes images of folders of this host and keeps them in one folder, by what was seen of
// the files: names, sizes, inodes and times of change. Its methods may be called from many
// goroutines.
type Folders struct {
	dir    string
	making singleflight.Group

	mu sync.Mutex // held while the empty image is made
}

// NewFolders keeps images in dir, which it makes.
func NewFolders(dir string) (*Folders, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &Folders{dir: dir}, nil
}

// Open returns the image of a folder, which is in use until it is closed, wherever its descriptor
// went. The caller closes it.
func (f *Folders) Open(ctx context.Context, folder string) (*os.File, error) {
	key, err := fingerprint(folder)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(f.dir, key+".erofs")
	if image, err := Use(path, os.O_RDONLY); err == nil {
		return image, nil
	}
	// The work outlives a caller that leaves: the next one wants the same image.
	_, err, _ = f.making.Do(key, func() (any, error) { return nil, f.make(context.WithoutCancel(ctx), path, folder) })
	if err != nil {
		return nil, err
	}
	return Use(path, os.O_RDONLY)
}

func (f *Folders) make(ctx context.Context, path, folder string) error {
	if err := makeImage(ctx, path, folder); err != nil {
		return err
	}
	return stretch(path)
}

// stretch makes an image as long as its device.
func stretch(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > CodeSize {
		_ = os.Remove(path) // it is of no use
		return fmt.Errorf("the folder takes %d bytes, a function's folder has %d at most in a microVM", info.Size(), int64(CodeSize))
	}
	return os.Truncate(path, CodeSize)
}

// Empty returns the image that a device shows before it is known what else.
func (f *Folders) Empty() (*os.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := filepath.Join(f.dir, "empty")
	image, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := image.Truncate(CodeSize); err != nil {
		return nil, err
	}
	_ = image.Close() // nothing was written
	return os.Open(path)
}

// fingerprint is the same for a folder in which nothing changed.
func fingerprint(folder string) (string, error) {
	sum := sha256.New()
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", err
	}
	defer func() { _ = root.Close() }()
	err = fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := root.Lstat(path)
		if err != nil {
			return err
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return fmt.Errorf("%s has no inode", path)
		}
		fmt.Fprintf(sum, "%s\x00", path)
		return binary.Write(sum, binary.BigEndian, []uint64{
			stat.Dev, stat.Ino, uint64(stat.Mode), uint64(stat.Size), uint64(stat.Ctim.Nano()), uint64(stat.Mtim.Nano()),
		})
	})
	if err != nil {
		return "", fmt.Errorf("looking at %s: %w", folder, err)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), nil
}
