package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func manCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "man DIR", Short: "Write manual pages into a folder", Args: takes(1, 1),
		Long:    "Writes a page of section 1 for every command into DIR, which is made where it is missing. It prints\nnothing: there is no --output.",
		Example: "  lambent man /usr/local/share/man/man1",
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := os.MkdirAll(args[0], 0o755); err != nil {
			return fmt.Errorf("making the folder: %w", err)
		}
		root := c.Root()
		root.DisableAutoGenTag = true // the same source gives the same pages
		header := &doc.GenManHeader{Section: "1", Source: "lambent " + Version, Manual: "Lambent"}
		if err := doc.GenManTree(root, header, args[0]); err != nil {
			return fmt.Errorf("writing the manual pages: %w", err)
		}
		return nil
	}
	return c
}
