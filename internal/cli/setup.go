package cli

import (
	"cmp"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"lambent.dev/lambent/internal/drivers"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox/gvisor/runsc"
	"lambent.dev/lambent/internal/sandbox/microvm/image"
)

func setupCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "setup TIER", Short: "Install what an isolation needs on this host", Args: takes(1, 1),
		Long: "Installs what an isolation needs beside Lambent itself; `lambent doctor` says what is missing.\n\n" +
			"gvisor: builds runsc from the Go module " + runsc.Module + " at the version that Lambent\n" +
			"is tested with. This needs Go on this machine and takes some minutes the first time.\n\n" +
			"microvm: installs QEMU and mkfs.erofs of Debian where they are missing, fetches Debian's kernel for\n" +
			"clouds, and makes the guests' root of packages that this machine has, in its folder microvm. Where KVM runs\n" +
			"guests, it then fetches Firecracker and its jailer, of a release and a SHA-256 that are fixed, into that folder.\n" +
			"Servers look in DIR and beside lambent.\n" +
			"Servers also use those (1.10 or later) that stand in /usr/local/bin or /usr/bin; `lambent doctor` says which.",
		Example: "  sudo lambent setup gvisor\n" +
			"  sudo lambent setup microvm --firecracker-from https://mirror.example/firecracker",
	}
	dir := c.Flags().String("dir", runsc.SystemDir, "put programs into `DIR`")
	releases := c.Flags().String("firecracker-from", "", "fetch Firecracker from the mirror `URL`, or none = do without")
	c.RunE = func(c *cobra.Command, args []string) error {
		tier, err := lambda.ParseTier(args[0])
		if err != nil {
			return &usageError{err}
		}
		into, err := filepath.Abs(*dir)
		if err != nil {
			return fmt.Errorf("finding the folder %s: %w", *dir, err)
		}
		return setUp(c, tier, into, *releases)
	}
	return c
}

func setUp(c *cobra.Command, tier lambda.Tier, dir, releases string) error {
	out := c.OutOrStdout()
	switch tier {
	case lambda.TierGVisor:
		return during(c.ErrOrStderr(), "building gVisor", func() error { return runsc.Install(c.Context(), dir, out) })
	case lambda.TierMicroVM:
		return setUpGuests(c, filepath.Join(dir, filepath.Base(image.SystemDir)), releases)
	}
	_, err := fmt.Fprintf(out, "isolation %s needs nothing beside Lambent; see `lambent doctor`\n", tier)
	return err
}

// setUpGuests installs Firecracker last: without it QEMU runs guests.
func setUpGuests(c *cobra.Command, dir, releases string) error {
	out := c.OutOrStdout()
	err := during(c.ErrOrStderr(), "making guests' images", func() error { return image.Install(c.Context(), dir, out) })
	if err != nil || releases == "none" {
		return err
	}
	return during(c.ErrOrStderr(), "installing Firecracker", func() error {
		return drivers.InstallFirecracker(c.Context(), cmp.Or(releases, drivers.FirecrackerReleases), dir, out)
	})
}
