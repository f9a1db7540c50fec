package drivers

import (
	"context"
	"fmt"
	"io"

	"lambent.dev/lambent/internal/sandbox/microvm"
	"lambent.dev/lambent/internal/sandbox/microvm/firecracker"
)

// InstallFirecracker installs Firecracker's pinned release, of its page or a mirror's address, into
// a folder where servers look for it, and says on progress what it does. Where KVM runs no guests
// it installs nothing and says why: Firecracker would be of no use there.
func InstallFirecracker(ctx context.Context, from, dir string, progress io.Writer) error {
	if err := microvm.TryKVM(); err != nil {
		_, err := fmt.Fprintf(progress, "Firecracker is not installed, QEMU runs guests: it needs a KVM that runs them, and here %v\n", err)
		return err
	}
	release, err := firecracker.Pinned()
	if err != nil {
		return err
	}
	if err := release.Install(ctx, from, dir, progress); err != nil {
		return fmt.Errorf("%w: QEMU runs guests until then; name a mirror with --firecracker-from, or put firecracker and jailer into %s", err, dir)
	}
	return nil
}

// FirecrackerReleases is where its releases are, if no mirror is named.
const FirecrackerReleases = firecracker.Releases
