package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"lambent.dev/lambent/bench"
	"lambent.dev/lambent/bench/workloads"
	"lambent.dev/lambent/internal/bundle"
	"lambent.dev/lambent/internal/daemon"
	"lambent.dev/lambent/internal/drivers"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
)

// benchInterpreter is the newest of a family that a server would use; zero if there is none.
func benchInterpreter(family string) (i bench.Interpreter) {
	id, err := newestRuntime(family)
	if err != nil {
		return i
	}
	_ = withCatalogue(func(c *runtimes.Catalogue) error { // none is found without one
		for _, found := range c.List() {
			if found.Runtime == id {
				i = bench.Interpreter{Runtime: id, Path: found.Path, Version: found.Version}
			}
		}
		return nil
	})
	return i
}

// beside is what is installed beside lambent for the benchmark.
func beside(program, name string) string { return filepath.Join(filepath.Dir(program), name) }

// findExamples packs every folder with an event below --examples. One that cannot be packed
// here, because a tool is absent, is left out and said.
func (f *benchFlags) findExamples(c *cobra.Command) []bench.Example {
	events, err := filepath.Glob(filepath.Join(f.examples, "*", "event.json"))
	if err != nil {
		return nil // the pattern is not the user's to mend
	}
	var all []bench.Example
	for _, path := range events {
		e, err := packExample(c.Context(), filepath.Dir(path), path)
		if err != nil {
			fmt.Fprintf(c.ErrOrStderr(), "lambent: the example %s is left out: %v\n", filepath.Dir(path), err)
			continue
		}
		all = append(all, e)
	}
	return all
}

func packExample(ctx context.Context, folder, event string) (bench.Example, error) {
	text, err := os.ReadFile(event)
	if err != nil {
		return bench.Example{}, err
	}
	p, err := bundle.Make(ctx, folder, bundle.Options{Newest: newestRuntime, Interpreter: interpreter})
	if err != nil {
		return bench.Example{}, err
	}
	e := bench.Example{Name: p.Name, Runtime: p.Runtime, Event: string(text)}
	e.Zip, e.Handler, e.Proves, err = workloads.Prove(p.Zip, p.Runtime, p.Handler)
	return e, err
}

// boxes makes sandboxes of the tier light through the server's own drivers.
type boxes struct {
	set       *drivers.Set
	templates *drivers.Templates
	template  sandbox.Template
	made      atomic.Int64
	owner     string
}

// openBoxes prepares what sandboxes are made of, below dir.
func openBoxes(ctx context.Context, dir string) (_ bench.Boxes, err error) {
	b := &boxes{owner: daemon.NewOwner()}
	if b.set, err = daemon.Drivers(drivers.Options{Dir: filepath.Join(dir, "drivers"), Owner: b.owner}); err != nil {
		return nil, err
	}
	b.templates = drivers.NewTemplates(b.set)
	base := sandbox.Base{Trust: "bench", Root: sandbox.RootHost, Tmp: 512 << 20, Network: sandbox.NetworkNone}
	if b.template, err = b.templates.Get(ctx, lambda.TierLight, base); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Cycle implements bench.Boxes.
func (b *boxes) Cycle(ctx context.Context) error {
	box, err := b.template.Create(ctx, fmt.Sprintf("%s-%d", b.owner, b.made.Add(1)))
	if err != nil {
		return err
	}
	return box.Close(ctx)
}

// Close implements bench.Boxes.
func (b *boxes) Close() error { return errors.Join(b.templates.Close(), b.set.Close()) }

// progressOf tells a person which group is being measured and how long it has been: on a
// terminal in place, elsewhere in a line per group.
func progressOf(w io.Writer) func(bench.Step) {
	if !onTerminal(w) {
		return func(s bench.Step) {
			if !s.Done {
				fmt.Fprintln(w, "lambent:", stepText(s))
			}
		}
	}
	var stop func()
	return func(s bench.Step) {
		if stop != nil {
			stop()
			stop = nil
		}
		if !s.Done {
			stop = tickWhile(w, stepText(s))
		}
	}
}

// tickWhile shows a text in place with the seconds that have passed, until stop is called.
func tickWhile(w io.Writer, what string) (stop func()) {
	done, gone := make(chan struct{}), make(chan struct{})
	fmt.Fprint(w, "\r\x1b[K"+what)
	go func() { defer close(gone); tick(w, func() string { return what }, done) }()
	return func() { close(done); <-gone }
}

func stepText(s bench.Step) string {
	return fmt.Sprintf("%d of %d: %s, for about %d s", s.Number, s.Of, strings.ToLower(s.Group.Title), max(1, int(s.Lasts.Round(time.Second).Seconds())))
}
