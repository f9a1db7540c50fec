package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// Options configure the driver.
type Options struct {
	Owner string // names this daemon's boxes: letters, digits and '-', at most 64 bytes
	Dir   string // absolute; the boxes' folders are made below Dir/Owner
	Allow bool   // without it Probe and Prepare fail
	Log   *slog.Logger
}

// Driver makes boxes of the tier process.
type Driver struct {
	owner string
	dir   string
	allow bool
	log   *slog.Logger
}

// New returns a driver. It touches nothing on the host.
func New(o Options) *Driver {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Driver{owner: o.Owner, dir: o.Dir, allow: o.Allow, log: o.Log}
}

// errNotAllowed says how to get what it refuses.
var errNotAllowed = fmt.Errorf("tier process isolates nothing and is not allowed here; "+
	"allow it explicitly where functions may do all that the daemon's user may: %w", sandbox.ErrUnavailable)

// Probe implements the method of sandbox.Driver.
func (d *Driver) Probe(ctx context.Context) (sandbox.Features, error) {
	f := sandbox.Features{Tier: lambda.TierProcess, LateBind: true, Freeze: true, Checks: d.checks()}
	return f, errors.Join(context.Cause(ctx), d.usable())
}

func (d *Driver) checks() []sandbox.Check {
	allowed := sandbox.Check{Name: "allowed by configuration", Found: "yes", OK: true, Required: true}
	if !d.allow {
		allowed.Found, allowed.OK = "no", false
		allowed.Needed, allowed.Fix = "yes", "allow the tier process, on machines for development only"
	}
	return []sandbox.Check{
		allowed,
		{Name: "isolation", Found: "none: network, files and processes are the host's", OK: true},
	}
}

func (d *Driver) usable() error {
	switch {
	case !d.allow:
		return errNotAllowed
	case !validName(d.owner):
		return fmt.Errorf("owner %q: want 1 to 64 letters, digits and '-'", d.owner)
	case !filepath.IsAbs(d.dir):
		return fmt.Errorf("folder %q: want an absolute path", d.dir)
	}
	return nil
}

// Prepare implements the method of sandbox.Driver. Nothing is preloaded: a base with
// Preload starts like one without.
func (d *Driver) Prepare(ctx context.Context, b sandbox.Base) (sandbox.Template, error) {
	if err := errors.Join(context.Cause(ctx), d.usable()); err != nil {
		return nil, err
	}
	if b.Root != sandbox.RootHost {
		return nil, fmt.Errorf("root %q: tier process has the host's root only", b.Root)
	}
	return &template{driver: d, tmp: b.Tmp}, nil
}

// Reap implements the method of sandbox.Driver.
func (d *Driver) Reap(ctx context.Context, alive func(owner string) bool) error {
	owners, err := os.ReadDir(d.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for boxes of dead owners: %w", err)
	}
	var failed []error
	for _, o := range owners {
		if o.IsDir() && !alive(o.Name()) {
			failed = append(failed, d.reapOwner(ctx, filepath.Join(d.dir, o.Name())))
		}
	}
	return errors.Join(failed...)
}

func (d *Driver) reapOwner(ctx context.Context, dir string) error {
	boxes, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking for boxes of a dead owner: %w", err)
	}
	for _, b := range boxes {
		d.log.InfoContext(ctx, "removing the box of a dead owner", "box", b.Name())
		if err := destroy(ctx, filepath.Join(dir, b.Name())); err != nil {
			return err
		}
	}
	return os.Remove(dir)
}

// destroy ends all that carries the marker of the box in dir and removes the folder.
func destroy(ctx context.Context, dir string) error {
	if err := killMembers(ctx, dir, nil); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing a box's folder: %w", err)
	}
	return nil
}
