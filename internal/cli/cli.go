package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitDone = iota
	exitFailed
	exitUsage
)

// Main runs the command line args (without the program's name) and returns its exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && !errors.Is(err, errReported) {
		fmt.Fprintf(stderr, "%s %v\n", styleOf(stderr).red("lambent:"), err)
	}
	return exitCode(err)
}

func exitCode(err error) int {
	var u *usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &u):
		return exitUsage
	default:
		return exitFailed
	}
}

// errReported ends a command whose output already says what is wrong.
var errReported = errors.New("reported")

// usageError is a mistake in the command line itself.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "lambent",
		Short:         "Serverless functions without the microVM tax",
		Long:          "Lambent runs AWS Lambda functions on your own machine, each in the isolation that you choose.\n\nStart a server with `lambent up`, then in another shell:\n\n  lambent init hello\n  lambent deploy hello\n  lambent invoke hello '{\"name\":\"you\"}' --receipt\n\nor use any AWS tool, once it knows the server (`lambent env`):\n\n  export AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:9700",
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w\nSee `%s --help`", err, c.CommandPath())}
	})
	root.AddCommand(
		upCommand(), deployCommand(), devCommand(), invokeCommand(), logsCommand(), whyCommand(), taxCommand(), listCommand(), showCommand(), removeCommand(),
		versionsCommand(), publishCommand(), aliasCommand(), provisionCommand(), initCommand(), configCommand(),
		importCommand(), backupCommand(), restoreCommand(), completionCommand(), manCommand(),
		envCommand(), doctorCommand(), setupCommand(), benchCommand(), versionCommand(),
	)
	root.SetUsageTemplate(usageTemplate(root.UsageTemplate()))
	root.DisableFlagsInUseLine = true
	root.Args = cobra.ArbitraryArgs // an unknown command comes to RunE, which words the error
	root.RunE = noCommand
	return root
}

// usageTemplate leaves the usage line that names no command out where there are commands: cobra prints
// it for whatever can be run, here to word an error.
func usageTemplate(cobras string) string {
	return strings.Replace(cobras, "{{if .Runnable}}", "{{if and .Runnable (not .HasAvailableSubCommands)}}", 1)
}

func noCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	err := fmt.Errorf("unknown command %q", args[0])
	if near := nearest(c, args[0]); near != "" {
		err = fmt.Errorf("%w: did you mean %q?", err, near)
	}
	return &usageError{fmt.Errorf("%w\nSee `lambent --help`", err)}
}

// nearest is the command that takes the fewest changes to be typed, "" where all take many.
func nearest(c *cobra.Command, typed string) string {
	for c.SuggestionsMinimumDistance = 1; c.SuggestionsMinimumDistance <= 2; c.SuggestionsMinimumDistance++ {
		if near := c.SuggestionsFor(typed); len(near) > 0 {
			return near[0]
		}
	}
	return ""
}

// noArguments refuses what a command does not take, as a usage error.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &usageError{fmt.Errorf("%s takes no argument, got %q", c.CommandPath(), args[0])}
}
