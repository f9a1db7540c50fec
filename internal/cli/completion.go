package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
)

func completionCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "completion SHELL", Short: "Print a script that completes commands, flags and names of functions", Args: takes(1, 1),
		Long:      "Prints a completion script for bash, zsh or fish. It is a script and nothing else: there is no --output.",
		Example:   "  source <(lambent completion bash)\n  lambent completion zsh > \"${fpath[1]}/_lambent\"\n  lambent completion fish > ~/.config/fish/completions/lambent.fish",
		ValidArgs: []string{"bash", "zsh", "fish"},
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		root, w := c.Root(), c.OutOrStdout()
		generate, known := map[string]func(io.Writer) error{
			"bash": func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
			"zsh":  root.GenZshCompletion,
			"fish": func(w io.Writer) error { return root.GenFishCompletion(w, true) },
		}[args[0]]
		if !known {
			return &usageError{fmt.Errorf("there is no completion for %q: use bash, zsh or fish", args[0])}
		}
		return generate(w)
	}
	return c
}

// completeLimit bounds how long a person waits after the tab key.
const completeLimit = 500 * time.Millisecond

var errCompleteLimit = errors.New("the server took too long to list its functions")

// completesNames makes the first argument of a command complete to names of functions.
func completesNames(c *cobra.Command, flags *serverFlags) {
	c.ValidArgsFunction = func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		s, err := flags.open()
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, stop := context.WithTimeoutCause(c.Context(), completeLimit, errCompleteLimit)
		defer stop()
		names, err := s.names(ctx)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
