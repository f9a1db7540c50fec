package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"lambent.dev/lambent/internal/bundle"
	"lambent.dev/lambent/internal/lambda"
)

func deployCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "deploy PATH", Short: "Create or update a function from a folder, zip or source file", Args: takes(1, 1),
		Long: `Makes a package of PATH, creates or updates the function with it, and waits until it answers.

PATH is a folder, a .zip, or a single .py, .js, .mjs, .ts or .go file. Runtime and handler are guessed
from it and said; Go is built, TypeScript is bundled. Hidden files, caches and virtual environments
stay out of the package. What a flag does not name stays as it is when the function is updated.`,
		Example: "  lambent deploy hello.py\n  lambent deploy ./shop --name checkout --memory 512 --env STAGE=test --isolation light",
	}
	flags, output := newDeployFlags(c), outputFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		d, err := flags.deployer(c)
		if err != nil {
			return err
		}
		done, err := d.deploy(c.Context(), args[0])
		if err != nil {
			return err
		}
		return show(c.OutOrStdout(), *output, done, done.print)
	}
	return c
}

// deployFlags are the settings that `lambent deploy` can give a function.
type deployFlags struct {
	server                 *serverFlags
	name, runtime, handler string
	isolation, network     string
	description            string
	memory, timeout        int32
	concurrency            int
	variables, tags        []string
	install, untrusted     bool
}

func newDeployFlags(c *cobra.Command) *deployFlags {
	f := &deployFlags{server: newServerFlags(c)}
	set := c.Flags()
	set.StringVar(&f.name, "name", "", "`NAME` of the function (default from PATH)")
	set.StringVar(&f.runtime, "runtime", "", "AWS's `IDENTIFIER`, python3.11 for instance (default guessed)")
	set.StringVar(&f.handler, "handler", "", "`FILE.FUNCTION` that is called, app.handler for instance (default guessed)")
	set.StringVar(&f.isolation, "isolation", "", "isolation `TIER`: light, gvisor, microvm, or process where allowed (default the server's)")
	set.BoolVar(&f.untrusted, "untrusted", false, "the code is somebody else's: it gets at least the isolation that the server has for that")
	set.StringVar(&f.network, "network", "", "network `PROFILE`: none, egress, or host where that is allowed (default the server's)")
	set.StringVar(&f.description, "description", "", "`TEXT` that says what the function is for")
	set.Int32Var(&f.memory, "memory", lambda.DefaultMemory, "memory of an instance in `MB`")
	set.Int32Var(&f.timeout, "timeout", lambda.DefaultTimeout, "`SECONDS` that one request may take")
	set.IntVar(&f.concurrency, "concurrency", 1, "`NUMBER` of requests that one instance takes at once")
	set.StringArrayVar(&f.variables, "env", nil, "environment variable `NAME=VALUE`, or NAME to pass yours on; may be repeated")
	set.StringArrayVar(&f.tags, "tag", nil, "tag `NAME=VALUE`; may be repeated")
	set.BoolVar(&f.install, "install", false, "install what requirements.txt or package.json names into the package")
	return f
}

// deployer brings packages to a server.
type deployer struct {
	*server
	want   wanted
	bundle bundle.Options
	stderr io.Writer
}

func (f *deployFlags) deployer(c *cobra.Command) (*deployer, error) {
	s, err := f.server.open()
	if err != nil {
		return nil, err
	}
	want, err := f.wanted(c)
	if err != nil {
		return nil, err
	}
	return &deployer{
		server: s, want: want, stderr: c.ErrOrStderr(),
		bundle: bundle.Options{
			Runtime: f.runtime, Handler: f.handler, Install: f.install,
			Newest: newestRuntime, Interpreter: interpreter,
		},
	}, nil
}

// wanted is what the flags ask of a function. What was not asked for is zero.
type wanted struct {
	name, description string
	memory, timeout   int32
	variables, tags   map[string]string
}

func (f *deployFlags) wanted(c *cobra.Command) (w wanted, err error) {
	w = wanted{name: f.name, description: f.description}
	if f.memory < 1 || f.timeout < 1 { // 0 is what is not asked for
		return w, &usageError{fmt.Errorf("--memory %d --timeout %d: use %d to %d MB and 1 to %d seconds", f.memory, f.timeout, lambda.MinMemory, lambda.MaxMemory, lambda.MaxTimeout)}
	}
	if c.Flags().Changed("memory") {
		w.memory = f.memory
	}
	if c.Flags().Changed("timeout") {
		w.timeout = f.timeout
	}
	if w.variables, err = assignments("env", f.variables, os.LookupEnv); err != nil {
		return w, err
	}
	if w.tags, err = assignments("tag", f.tags, nil); err != nil {
		return w, err
	}
	if c.Flags().Changed("concurrency") {
		w.tags[lambda.ConcurrencyTag] = strconv.Itoa(f.concurrency)
	}
	if c.Flags().Changed("untrusted") {
		w.tags[lambda.UntrustedTag] = strconv.FormatBool(f.untrusted)
	}
	return w, errors.Join(w.isolate(f.isolation), w.connect(f.network))
}

func (w *wanted) isolate(isolation string) error {
	if isolation == "" {
		return nil
	}
	if _, err := lambda.ParseTier(isolation); err != nil {
		return &usageError{fmt.Errorf("--isolation: %w", err)}
	}
	w.tags[lambda.IsolationTag] = isolation
	return nil
}

func (w *wanted) connect(network string) error {
	if network == "" {
		return nil
	}
	if _, err := lambda.ParseNetwork(network); err != nil {
		return &usageError{fmt.Errorf("--network: %w", err)}
	}
	w.tags[lambda.NetworkTag] = network
	return nil
}

// deploy makes the package and brings it to the server.
func (d *deployer) deploy(ctx context.Context, path string) (*deployed, error) {
	var p *bundle.Package
	err := during(d.stderr, "packing "+path, func() (err error) {
		p, err = bundle.Make(ctx, path, d.bundle)
		return err
	})
	if err != nil {
		return nil, err
	}
	d.say(p)
	if d.want.name != "" {
		p.Name = d.want.name
	}
	var done *deployed
	err = during(d.stderr, "deploying "+p.Name, func() (err error) {
		done, err = d.apply(ctx, p)
		return err
	})
	return done, err
}

// say tells what was guessed, and what a person should know of the package.
func (d *deployer) say(p *bundle.Package) {
	if p.Guessed != "" {
		fmt.Fprintf(d.stderr, "lambent: runtime %s and handler %s, guessed from %s\n", p.Runtime, p.Handler, p.Guessed)
	}
	for _, note := range p.Notes {
		fmt.Fprintf(d.stderr, "lambent: %s\n", note)
	}
}
