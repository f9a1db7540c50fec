package hostroot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Skeleton makes what every root has beside programs in an empty folder, without a mount: the
// places, the host's links to the folders of programs, and /etc.
func Skeleton(dir string) error {
	r := Root{Dir: dir}
	for _, place := range places {
		if err := os.MkdirAll(r.At(place), 0o755); err != nil {
			return err
		}
	}
	for _, path := range programs {
		if err := r.link(path); err != nil && !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, fs.ErrNotExist) && !isFolder(path) {
			return err
		}
	}
	return r.etcFiles()
}

func isFolder(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}

// etcFiles writes what must not tell of the host.
func (r Root) etcFiles() error {
	if err := os.MkdirAll(r.At("/etc"), 0o755); err != nil {
		return err
	}
	for name, content := range r.ownEtc() {
		if err := os.WriteFile(filepath.Join(r.At("/etc"), name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}
