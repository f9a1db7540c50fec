package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version is the release that this source becomes.
const Version = "0.1.0-dev"

// build is what `lambent version` tells.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // commit; "" when built outside a checkout
	Modified bool   `json:"modified,omitempty"` // the checkout had changes
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func versionCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArguments,
		Long: "Prints the version of this program, the commit that it was built from, and the Go and the platform that\nit was built with.",
	}
	output := outputFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		b := thisBuild()
		return show(c.OutOrStdout(), *output, b, b.print)
	}
	return c
}

func thisBuild() build {
	b := build{Version: Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func (b build) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "lambent %s (%s, %s)\n", b.Version, b.Platform, b.Go)
	return err
}
