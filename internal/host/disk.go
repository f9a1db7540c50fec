package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
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
