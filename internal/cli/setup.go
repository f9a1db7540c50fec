package cli

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

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
			"clouds, and makes the guests' root of packages that this machine has, in its folder microvm. Debian has no\n" +
			"Firecracker: where firecracker and jailer of one of its releases (1.10 or later) stand in that folder, in\n" +
			"/usr/local/bin or in /usr/bin, and KVM runs guests, servers use them; `lambent doctor` says so.",
		Example: "  sudo lambent setup gvisor",
	}
	dir := c.Flags().String("dir", runsc.SystemDir, "put programs into `DIR`; servers look there and beside lambent")
	c.RunE = func(c *cobra.Command, args []string) error {
		tier, err := lambda.ParseTier(args[0])
		if err != nil {
			return &usageError{err}
		}
		into, err := filepath.Abs(*dir)
		if err != nil {
			return fmt.Errorf("finding the folder %s: %w", *dir, err)
		}
		return setUp(c, tier, into)
	}
	return c
}

func setUp(c *cobra.Command, tier lambda.Tier, dir string) error {
	out := c.OutOrStdout()
	switch tier {
	case lambda.TierGVisor:
		return during(c.ErrOrStderr(), "building gVisor", func() error { return runsc.Install(c.Context(), dir, out) })
	case lambda.TierMicroVM:
		return during(c.ErrOrStderr(), "making guests' images", func() error {
			return image.Install(c.Context(), filepath.Join(dir, filepath.Base(image.SystemDir)), out)
		})
	}
	_, err := fmt.Fprintf(out, "isolation %s needs nothing beside Lambent; see `lambent doctor`\n", tier)
	return err
}
