package cli

import (
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"lambent.dev/lambent/internal/move"
)

func backupCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "backup FILE [NAME…]", Short: "Write functions to a file", Args: takes(1, -1),
		Long: `Writes functions, all or those named, with all that lambent import carries (code, settings, layers,
versions, aliases, tags, policies) to a new file, while the server runs. Environment variables are in it
as they are: only its owner can read it, keep it so. Logs and waiting events are not in it.`,
		Example: "  lambent backup functions.zip",
	}
	flags, output := newServerFlags(c), outputFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		s, err := flags.open()
		if err != nil {
			return err
		}
		from := &move.API{Client: s.api, HTTP: http.DefaultClient}
		names, err := chosen(c.Context(), from, args[1:])
		if err != nil {
			return s.explain(err)
		}
		err = during(c.ErrOrStderr(), "writing "+args[0], func() error { return move.Write(c.Context(), args[0], from, names) })
		if err != nil {
			return s.explain(err)
		}
		b, err := backupOf(args[0], len(names))
		if err != nil {
			return err
		}
		return show(c.OutOrStdout(), *output, b, b.print)
	}
	return c
}

// backup is a file that was written.
type backup struct {
	File      string `json:"file"`
	Functions int    `json:"functions"`
	Bytes     int64  `json:"bytes"`
}

func backupOf(file string, functions int) (backup, error) {
	info, err := os.Stat(file)
	if err != nil {
		return backup{}, err
	}
	return backup{file, functions, info.Size()}, nil
}

func (b backup) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "wrote %s: %d functions, %s\n\nbring them back:  lambent restore %s\n", b.File, b.Functions, size(b.Bytes), quote(b.File))
	return err
}

func restoreCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "restore FILE [NAME…]", Short: "Make the functions of a backup", Args: takes(1, -1),
		Long:    "Makes the functions that `lambent backup` wrote, all or those named. A function that is there already is\nsaid and left as it is.",
		Example: "  lambent restore functions.zip\n  lambent restore functions.zip checkout",
	}
	flags, output := newServerFlags(c), outputFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		s, err := flags.open()
		if err != nil {
			return err
		}
		from, err := move.Open(args[0])
		if err != nil {
			return err
		}
		defer from.Close()
		return s.take(c, *output, from, args[1:], s.explain)
	}
	return c
}
