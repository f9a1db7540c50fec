package light

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/sandbox"
)

var _ sandbox.Reclaimer = (*box)(nil)

// Reclaim implements sandbox.Reclaimer. Without swap it does nothing: what is left to
// reclaim is page cache, a sixth of an idle Python function's memory, which the kernel takes
// by itself when it is short.
func (b *box) Reclaim(ctx context.Context) (int64, error) {
	if err := context.Cause(ctx); err != nil {
		return 0, err
	}
	if !hasSwap() {
		return 0, nil
	}
	before, err := b.group.Usage()
	if err == nil {
		err = b.group.Reclaim()
	}
	if errors.Is(err, cgroup.ErrNoReclaim) {
		return 0, nil
	}
	after, failed := b.group.Usage()
	if closed := b.alive(); closed != nil {
		return 0, closed
	}
	return max(before.Memory-after.Memory, 0), errors.Join(err, failed)
}

// hasSwap asks each time: swap is turned on and off while a host runs.
func hasSwap() bool {
	var info unix.Sysinfo_t
	return unix.Sysinfo(&info) == nil && info.Freeswap > 0
}
