package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"lambent.dev/lambent/internal/control"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/why"
)

func whyCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "why NAME", Short: "Say why a function's slowest requests were slow", Args: takes(1, 1),
		Long: `Explains the slowest requests that a function had in the last hour or so: what they waited for, and
beside which other functions. Every claim follows from the request's receipt, which --output json has;
what this host does not measure is said to be unknown.

The receipts come from the server over the socket in its data folder, so this works on the server's
machine only.`,
		Example: "  lambent why hello\n  lambent why hello --most 1 --output json",
	}
	flags, output := newServerFlags(c).withSocket(c), outputFlag(c)
	most := c.Flags().Int("most", 3, "explain `N` requests at most")
	completesNames(c, flags)
	c.RunE = func(c *cobra.Command, args []string) error {
		if *most < 1 {
			return &usageError{fmt.Errorf("--most %d: use 1 or more", *most)}
		}
		s, err := flags.open()
		if err != nil {
			return err
		}
		found, err := s.explained(c.Context(), args[0], *most)
		if err != nil {
			return err
		}
		return show(c.OutOrStdout(), *output, found, func(w io.Writer) error { return printExplained(w, c.ErrOrStderr(), args[0], found) })
	}
	return c
}

// explained is one slow request.
type explained struct {
	why.Explanation
	Receipt receipt.Receipt `json:"receipt"`
}

func (s *server) explained(ctx context.Context, name string, most int) ([]explained, error) {
	found := []explained{}
	for r, err := range s.socket.Slowest(ctx, s.inAccount(name)) {
		switch {
		case errors.Is(err, control.ErrNoFunction):
			return nil, fmt.Errorf("there is no function %s: `lambent ls` lists the functions", name)
		case err != nil:
			return nil, s.explain(err)
		case len(found) < most:
			found = append(found, explained{why.Explain(&r), r})
		}
	}
	return found, nil
}

func printExplained(w, stderr io.Writer, name string, found []explained) error {
	if len(found) == 0 {
		_, err := fmt.Fprintf(stderr, "lambent: %s has answered no request in the last hour, or the server was started since\n", name)
		return err
	}
	for i := range found {
		if i > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		if err := found[i].print(w); err != nil {
			return err
		}
	}
	return nil
}

func (e *explained) print(w io.Writer) error {
	look, r := styleOf(w), &e.Receipt
	head := fmt.Sprintf("%s ms at %s, %s start, request %s", milliseconds(r.Wall()), r.Arrived.Local().Format("15:04:05.000"), r.Start, r.RequestID)
	if _, err := fmt.Fprintln(w, look.dim(cut(head, maxWidth))); err != nil {
		return err
	}
	if err := paragraph(w, "", e.Verdict); err != nil {
		return err
	}
	for _, text := range append(e.Because, e.Unknown...) {
		if err := paragraph(w, "- ", text); err != nil {
			return err
		}
	}
	return nil
}
