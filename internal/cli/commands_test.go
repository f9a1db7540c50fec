package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func allCommands(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		all = append(all, allCommands(sub)...)
	}
	return all
}

func flagUsages(c *cobra.Command) (all []string) {
	c.LocalFlags().VisitAll(func(f *pflag.Flag) { all = append(all, f.Usage) })
	return all
}
