package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
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
cannot be deployed is said and leaves the function as it was.`,
		Example: "  lambent dev ./hello",
	}
	flags := newDeployFlags(c)
	flags.server.withSocket(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		d, err := flags.deployer(c)
		if err != nil {
			return err
		}
		out := &screen{w: c.OutOrStdout(), look: styleOf(c.OutOrStdout()), terminal: onTerminal(c.OutOrStdout())}
		d.stderr = io.Discard // what is guessed was said by the first line
		return (&developer{deployer: d, out: out, path: args[0]}).run(c.Context())
	}
	return c
}

// developer is `lambent dev` at work.
type developer struct {
	*deployer
	out  *screen
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
	d.out.note("watching %s; invoke it from another shell: lambent invoke %s '{}'", d.path, name)
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
			d.out.fail(err)
		}
		return "", errors.Join(errReported, err)
	}
	if done.Action != "unchanged" {
		d.out.note("%s %s in %d ms: %s, %s", done.Action, done.Name, time.Since(began).Milliseconds(), done.Runtime, done.Handler)
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
	for r, err := range d.socket.Receipts(ctx, d.inAccount(name)) {
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

// screen takes lines of several goroutines.
type screen struct {
	look     style
	terminal bool
	// mu guards w.
	mu sync.Mutex
	w  io.Writer
}

func (s *screen) print(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := io.WriteString(s.w, text+"\n")
	return err
}

// note says what Lambent does. That a person's screen is gone shows at the next line of the log.
func (s *screen) note(form string, args ...any) {
	_ = s.print(s.look.dim("· " + fmt.Sprintf(form, args...)))
}

func (s *screen) fail(err error) { _ = s.print(s.look.red("✗ " + err.Error())) }

func (s *screen) line(l control.Line) error {
	text := string(l.Text)
	if s.terminal {
		text = printable(l.Text)
	}
	return s.print(s.look.dim(l.Time.Local().Format("15:04:05.000")) + " " + text)
}

// receipt shows a receipt in one line: phases that took less than 0.1 ms are left out.
func (s *screen) receipt(r *receipt.Receipt) {
	parts := []string{fmt.Sprintf("%s %s ms:", r.Start, milliseconds(r.Wall()))}
	for p, d := range r.Parts {
		if d >= 100*time.Microsecond {
			parts = append(parts, fmt.Sprintf("%s %.1f", p, float64(d)/float64(time.Millisecond)))
		}
	}
	if r.Fault != "" {
		parts = append(parts, "· "+r.Fault)
	}
	if r.Why != "" {
		parts = append(parts, "· "+r.Why)
	}
	_ = s.print(s.look.green("⏱ " + strings.Join(parts, " ")))
}
