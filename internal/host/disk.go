package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

// Bounds of timing the disk.
const (
	syncs    = 20
	slowSync = 10 * time.Millisecond
	longest  = 2 * time.Second
)

// disk times what every accepted event and every change of a function waits for.
func (h *Host) disk(ctx context.Context) sandbox.Check {
	const name = "fsync"
	took, err := timeSyncs(ctx, h.Data)
	if err != nil {
		return advice(name, err.Error(), "let the data folder be on a disk that can be written")
	}
	found := fmt.Sprintf("%.2g ms", float64(took)/float64(time.Millisecond))
	if took > slowSync {
		return advice(name, found+": each event that is accepted waits for one, with others", "put the data folder on an SSD with a power-loss-protected cache")
	}
	return good(name, found)
}

// fileSystem is that of the data folder: SQLite's locks and write-ahead log need one that no other
// machine mounts, and what lies in memory is gone with it (sqlite.org, "Write-Ahead Logging").
func (h *Host) fileSystem() sandbox.Check {
	const name = "file system of the data"
	switch kind := h.mountedAt(h.Data); kind {
	case "":
		return good(name, "unknown")
	case "nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs", "fuse.glusterfs":
		return advice(name, kind+", which other machines share: SQLite's locks do not hold there", "put the data folder on a disk of this machine, or use PostgreSQL")
	case "tmpfs", "ramfs":
		return advice(name, kind+": lost when the machine stops", "put the data folder on a disk")
	default:
		return good(name, kind)
	}
}

// mountedAt is the kind of the file system that a path lies on, "" where the host does not say.
func (h *Host) mountedAt(path string) (kind string) {
	longest := ""
	for line := range strings.Lines(h.text("/proc/self/mounts")) {
		fields := strings.Fields(line)
		if len(fields) > 2 && len(fields[1]) >= len(longest) && below(path, fields[1]) {
			longest, kind = fields[1], fields[2]
		}
	}
	return kind
}

func below(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}

// timeSyncs is the median of writing a page to a new file and waiting until it is on disk.
func timeSyncs(ctx context.Context, dir string) (_ time.Duration, err error) {
	f, err := os.CreateTemp(dir, "fsync-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	var all []time.Duration
	for began := time.Now(); len(all) < syncs && time.Since(began) < longest && ctx.Err() == nil; {
		at := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		all = append(all, time.Since(at))
	}
	if len(all) == 0 {
		return 0, context.Cause(ctx)
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}
