package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"lambent.dev/lambent/internal/control"
)

func logsCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "logs NAME", Short: "Print a function's log, and follow it", Args: takes(1, 1),
		Long: `Prints all stored lines of a function's log, oldest first. The lines come from the server over the
socket in its data folder, so this works on the server's machine only.

With --output json every line is an object of its own.`,
		Example: "  lambent logs hello --since 10m\n  lambent logs hello -f",
	}
	f := &logsFlags{server: newServerFlags(c).withSocket(c), output: outputFlag(c)}
	c.Flags().BoolVarP(&f.follow, "follow", "f", false, "go on with new lines until interrupted")
	c.Flags().StringVar(&f.since, "since", "", "leave out lines before `TIME`: 10m, 2h, or a time such as 2026-11-22T21:00:00Z")
	completesNames(c, f.server)
	c.RunE = func(c *cobra.Command, args []string) error { return f.run(c, args[0]) }
	return c
}

type logsFlags struct {
	server *serverFlags
	output *format
	follow bool
	since  string
}

func (f *logsFlags) run(c *cobra.Command, name string) error {
	since, err := parseSince(f.since, time.Now())
	if err != nil {
		return err
	}
	s, err := f.server.open()
	if err != nil {
		return err
	}
	write := lineWriter(c.OutOrStdout(), *f.output)
	return s.copyLog(c.Context(), name, control.Query{Since: since, Follow: f.follow}, write)
}

// copyLog hands every line to write. An interrupt is how a person ends following: no error.
func (s *server) copyLog(ctx context.Context, name string, q control.Query, write func(control.Line) error) error {
	for line, err := range s.socket.Log(ctx, s.inAccount(name), q) {
		switch {
		case err != nil && ctx.Err() != nil:
			return nil
		case errors.Is(err, control.ErrNoFunction):
			return fmt.Errorf("there is no function %s, and no log of one: `lambent ls` lists the functions", name)
		case err != nil:
			return s.explain(err)
		}
		if err := write(line); err != nil {
			return err
		}
	}
	return nil
}

// parseSince reads a duration before now, or a time.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, &usageError{fmt.Errorf("--since %q: write 10m, 2h, or a time such as 2026-11-22T21:00:00Z", text)}
	}
	return t, nil
}

// jsonLine is a line for machines.
type jsonLine struct {
	Time    time.Time `json:"time"`
	Stream  string    `json:"stream,omitempty"`
	Message string    `json:"message"`
	Dropped bool      `json:"dropped,omitempty"` // the message says how many lines are missing
}

func jsonLineOf(l control.Line) jsonLine {
	return jsonLine{l.Time, l.Stream, string(l.Text), l.Dropped}
}

// lineWriter writes lines for machines, for a person's terminal, or as they are.
func lineWriter(w io.Writer, f format) func(control.Line) error {
	if f == "json" {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return func(l control.Line) error {
			return enc.Encode(jsonLineOf(l))
		}
	}
	look, terminal := styleOf(w), onTerminal(w)
	return func(l control.Line) error {
		text := string(l.Text)
		if terminal {
			text = printable(l.Text)
		}
		_, err := fmt.Fprintf(w, "%s %s\n", look.dim(l.Time.Format("2006-01-02T15:04:05.000Z")), text)
		return err
	}
}
