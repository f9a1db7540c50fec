package cli

import "github.com/spf13/cobra"

func showCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "show NAME", Short: "Show one function, or NAME:VERSION, or NAME:ALIAS", Args: takes(1, 1),
		Long: "Shows the settings and the state of a function. Of its environment variables only the names are shown;\n--output json has their values.",
	}
	flags, output := newServerFlags(c), outputFlag(c)
	completesNames(c, flags)
	c.RunE = func(c *cobra.Command, args []string) error {
		s, err := flags.open()
		if err != nil {
			return err
		}
		f, err := s.describe(c.Context(), args[0])
		if err != nil {
			return err
		}
		return show(c.OutOrStdout(), *output, f, f.print)
	}
	return c
}
