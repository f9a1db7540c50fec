package cli

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"lambent.dev/lambent/internal/control"
	"lambent.dev/lambent/internal/receipt"
)

func devCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "dev PATH", Short: "Deploy on every save, and show log and receipts live", Args: takes(1, 1),
		Long: `Deploys PATH as lambent deploy does, watches it, and deploys it again whenever a file is saved. Until it
is interrupted it shows the function's log and, for every request, where the time went. A save that
cannot be deployed is said and leaves the function as it was.

With --output json every deployment, line and receipt is an object of its own, on a line of its own; its
"event" says which: deployed, watching, failed, log or receipt.`,
		Example: "  lambent dev ./hello",
	}
	flags, output := newDeployFlags(c), outputFlag(c)
	flags.server.withSocket(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		d, err := flags.deployer(c)
		if err != nil {
			return err
		}
		d.stderr = io.Discard // what is guessed was said by the first line
		return (&developer{deployer: d, out: newNarrator(c.OutOrStdout(), *output), path: args[0]}).run(c.Context())
	}
	return c
}

// narrator tells what happens to a function that is worked on. Several goroutines tell at once.
// What cannot be told shows at the next line of the log, which ends `lambent dev`.
type narrator interface {
	deployed(d *deployed, took time.Duration)
	watching(path, name string)
	failed(err error)
	line(l control.Line) error
	receipt(r *receipt.Receipt)
}

func newNarrator(w io.Writer, f format) narrator {
	if f == "json" {
		return newEventWriter(w)
	}
	return &screen{w: w, look: styleOf(w), terminal: onTerminal(w)}
}

// developer is `lambent dev` at work.
type developer struct {
	*deployer
	out  narrator
	path string
}

// run deploys, then watches until ctx ends, which is how a person leaves: no error.
func (d *developer) run(ctx context.Context) error {
	w, err := watch(d.path)
	if err != nil {
		return err
	}
	defer w.Close()
	began := time.Now()
	name, err := d.save(ctx)
	if err != nil {
		return err
	}
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error { return w.each(inner, func() { _, _ = d.save(inner) }) })
	group.Go(func() error { return d.showLog(inner, name, began) })
	group.Go(func() error { return d.showReceipts(inner, name) })
	if err := group.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

// save deploys what was saved and says how it went.
func (d *developer) save(ctx context.Context) (name string, err error) {
	began := time.Now()
	done, err := d.deploy(ctx, d.path)
	if err != nil {
		if ctx.Err() == nil {
			d.out.failed(err)
		}
		return "", errors.Join(errReported, err)
	}
	if done.Action != "unchanged" {
		d.out.deployed(done, time.Since(began))
	}
	return done.Name, nil
}

var errServerEnded = errors.New("the server has ended: start it again with `lambent up`")

func (d *developer) showLog(ctx context.Context, name string, since time.Time) error {
	err := d.copyLog(ctx, name, control.Query{Since: since, Follow: true}, d.out.line)
	if err != nil || ctx.Err() != nil {
		return err
	}
	return errServerEnded
}

func (d *developer) showReceipts(ctx context.Context, name string) error {
	watching := func() { d.out.watching(d.path, name) }
	for r, err := range d.socket.Receipts(ctx, d.inAccount(name), watching) {
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return d.explain(err)
		}
		d.out.receipt(&r)
	}
	return errServerEnded
}
