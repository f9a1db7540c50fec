package cli

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"

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
			"clouds, and makes the guests' root of packages that this machine has, in its folder microvm. Where\n" +
			"KVM runs guests, it then fetches Firecracker and its jailer, of a release and a SHA-256 that are\n" +
			"fixed, into that folder. With --arch it makes the images of a machine with the other processor, of\n" +
			"Debian's packages for that, in a folder to take there.\n" +
			"\nServers look for all of it in " + runsc.SystemDir + " and beside lambent, and for\n" +
			"Firecracker (1.10 or later) in /usr/local/bin and /usr/bin; `lambent doctor` says what they find.",
		Example: "  sudo lambent setup gvisor\n" +
			"  sudo lambent setup microvm --firecracker-from https://mirror.example/firecracker",
	}
	output := outputFlag(c)
	dir := c.Flags().String("dir", runsc.SystemDir, "put programs into `DIR`")
	arch := c.Flags().String("arch", runtime.GOARCH, "make guests' images for `ARCH`, amd64 or arm64")
	releases := c.Flags().String("firecracker-from", "", "fetch Firecracker from the mirror `URL`; none does without it")
	c.RunE = func(c *cobra.Command, args []string) error {
		tier, err := lambda.ParseTier(args[0])
		if err != nil {
			return &usageError{err}
		}
		into, err := filepath.Abs(*dir)
		if err != nil {
			return fmt.Errorf("finding the folder %s: %w", *dir, err)
		}
		done := newSetUp(c, *output, tier, into)
		if err := done.install(c, tier, *arch, *releases); err != nil {
			return err
		}
		return show(c.OutOrStdout(), *output, done, func(io.Writer) error { return nil }) // its steps were told
	}
	return c
}

// setUp is what `lambent setup` does: a person sees each step as it is taken.
type setUp struct {
	Isolation string   `json:"isolation"`
	Dir       string   `json:"dir"`
	Steps     []string `json:"steps"` // what was done, or was there already
	told      io.Writer
}

// newSetUp tells steps on standard output, or aside where a result for machines goes there.
func newSetUp(c *cobra.Command, f format, tier lambda.Tier, dir string) *setUp {
	told := c.OutOrStdout()
	if f == "json" {
		told = c.ErrOrStderr()
	}
	return &setUp{Isolation: tier.String(), Dir: dir, Steps: []string{}, told: lineAbove{told, c.ErrOrStderr()}}
}

// Write implements io.Writer. Each call is one step, as a line.
func (s *setUp) Write(step []byte) (int, error) {
	s.Steps = append(s.Steps, strings.TrimSpace(string(step)))
	return s.told.Write(step)
}

func (s *setUp) install(c *cobra.Command, tier lambda.Tier, arch, releases string) error {
	switch tier {
	case lambda.TierGVisor:
		return during(c.ErrOrStderr(), "building gVisor", func() error { return runsc.Install(c.Context(), s.Dir, s) })
	case lambda.TierMicroVM:
		return s.guests(c, arch, filepath.Join(s.Dir, filepath.Base(image.SystemDir)), releases)
	}
	_, err := fmt.Fprintf(s, "isolation %s needs nothing beside Lambent; see `lambent doctor`\n", tier)
	return err
}

// guests installs Firecracker last: without it QEMU runs guests. What is for another processor has a
// folder of its own, and no Firecracker.
func (s *setUp) guests(c *cobra.Command, arch, dir, releases string) error {
	if arch != runtime.GOARCH {
		dir, releases = dir+"-"+arch, "none"
	}
	err := during(c.ErrOrStderr(), "making guests' images", func() error { return image.Install(c.Context(), arch, dir, s) })
	if err != nil || releases == "none" {
		return err
	}
	return during(c.ErrOrStderr(), "installing Firecracker", func() error {
		return drivers.InstallFirecracker(c.Context(), cmp.Or(releases, drivers.FirecrackerReleases), dir, s)
	})
}
