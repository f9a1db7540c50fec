package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

func showCommand() *cobra.Command {
	return asks(&cobra.Command{
		Use: "show NAME", Short: "Show one function, or NAME:VERSION, or NAME:ALIAS",
		Long: "Shows the settings and the state of a function. Of its environment variables only the names are shown;\n--output json has their values.",
	}, (*server).showFunction, func(w io.Writer, f *function) error { return f.print(w) })
}

// asks makes c a command that asks a server about one function and prints what it says.
func asks[T any](c *cobra.Command, ask func(*server, context.Context, string) (T, error), print func(io.Writer, T) error) *cobra.Command {
	c.Args = takes(1, 1)
	flags, output := newServerFlags(c), outputFlag(c)
	completesNames(c, flags)
	c.RunE = func(c *cobra.Command, args []string) error {
		s, err := flags.open()
		if err != nil {
			return err
		}
		said, err := ask(s, c.Context(), args[0])
		if err != nil {
			return err
		}
		return show(c.OutOrStdout(), *output, said, func(w io.Writer) error { return print(w, said) })
	}
	return c
}
