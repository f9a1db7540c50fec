package microvm

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"lambent.dev/lambent/internal/sandbox/microvm/image"
)

// Folders of the cache, and the extension of what is held there while it is used.
const (
	snapshotsFolder = "snapshots"
	foldersFolder   = "folders"
	shelfFolder     = "firecracker" // kernels and bases as Firecracker needs them
	imageSuffix     = ".erofs"
)

// kept bounds a folder of the cache: a snapshot has 50 to 200 MB, the image of a function's folder
// what is in it. What is removed is made again when it is needed.
func kept() image.Limits { return image.Limits{Bytes: 8 << 30, Unused: 14 * 24 * time.Hour} }

// collect removes snapshots and images that nobody needs, never one in use: by this server, by
// one that it takes over from, or by a monitor.
func (d *Driver) collect() error {
	var failed []error
	for folder, holder := range map[string]string{snapshotsFolder: usedSuffix, foldersFolder: imageSuffix, shelfFolder: imageSuffix} {
		failed = append(failed, image.Collect(filepath.Join(d.options.Cache, folder), holder, kept()))
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("collecting microvm images: %w", err)
	}
	return nil
}
