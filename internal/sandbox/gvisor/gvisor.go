package gvisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/stage"
	"lambent.dev/lambent/internal/sandbox/templates"
)

// defaultCgroupRoot is where systemd and everybody after it mounts cgroups.
const defaultCgroupRoot = "/sys/fs/cgroup"

// Options are what a Driver needs to know.
type Options struct {
	Agent      string   // path of the program lambent-agent
	Runsc      []string // where runsc is looked for, in order
	Owner      string   // names what belongs to this run: letters, digits and '-', at most 64 bytes
	Dir        string   // private folder of this driver
	CgroupRoot string   // "" = /sys/fs/cgroup
	// Egress makes the networks of boxes with that profile; nil = there are none.
	Egress *egress.Gateway
	Log    *slog.Logger
	// Preload says what sandbox.Base.Preload names. nil = nothing can be preloaded.
	Preload func(name string) (sandbox.Preload, error)
	// Without takes protections away. It exists for the attack suite, which proves with it
	// that its attacks can succeed; nothing else may set it.
	Without []Protection
}

// Driver makes sandboxes of the tier gvisor. Its methods may be called from many goroutines.
type Driver struct {
	options Options
	stage   templates.Shared[*stage.Stage] // its users are templates

	mu    sync.Mutex // protects the fields below
	roots int        // templates that were made
}

var _ sandbox.Driver = (*Driver)(nil)

// New returns a driver. It looks at nothing on the host yet: Probe does.
func New(o Options) (*Driver, error) {
	for name, path := range map[string]string{"agent": o.Agent, "dir": o.Dir} {
		if !filepath.IsAbs(path) {
			return nil, fmt.Errorf("gvisor driver: %s %q is not an absolute path", name, path)
		}
	}
	if o.Owner == "" {
		return nil, errors.New("gvisor driver: no owner is given")
	}
	if o.CgroupRoot == "" {
		o.CgroupRoot = defaultCgroupRoot
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Without, o.Runsc = slices.Clone(o.Without), slices.Clone(o.Runsc)
	return &Driver{options: o}, nil
}

// has says whether a protection is in force.
func (d *Driver) has(p Protection) bool { return !slices.Contains(d.options.Without, p) }

// home is the folder of everything that belongs to this run.
func (d *Driver) home() string { return filepath.Join(d.options.Dir, boxesFolder, d.options.Owner) }

// The driver's folders.
const (
	boxesFolder = "boxes" // a folder for each owner, and in it one for each box and template
	tmpFolder   = "tmp"   // images of /tmp
)

// Prepare implements sandbox.Driver.
func (d *Driver) Prepare(ctx context.Context, b sandbox.Base) (sandbox.Template, error) {
	if err := d.supported(b); err != nil {
		return nil, err
	}
	t, err := d.newTemplate(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("preparing a gvisor template: %w", err)
	}
	return t, nil
}

func (d *Driver) supported(b sandbox.Base) error {
	switch {
	case b.Root != sandbox.RootHost:
		return fmt.Errorf("gvisor has no root file system %q: use %q", b.Root, sandbox.RootHost)
	case b.Network != sandbox.NetworkNone && (b.Network != lambda.NetworkEgress || d.options.Egress == nil):
		return fmt.Errorf("gvisor was not given the network profile %q: use %q", b.Network, sandbox.NetworkNone)
	case b.Tmp <= 0:
		return fmt.Errorf("gvisor needs a size for /tmp, not %d", b.Tmp)
	}
	return nil
}

// Reap implements sandbox.Driver. A daemon that died took its processes and mounts with it;
// what stays are its control groups and its folders.
func (d *Driver) Reap(ctx context.Context, alive func(owner string) bool) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	host, err := cgroup.Open(d.options.CgroupRoot)
	if err != nil {
		return fmt.Errorf("reaping gvisor sandboxes: %w", err)
	}
	return errors.Join(host.Reap(alive), stage.Reap(filepath.Join(d.options.Dir, boxesFolder), alive))
}

// Close removes what the driver keeps on the host for as long as it runs. Its templates and
// boxes are closed before. What belongs to another server on the same folder stays.
func (d *Driver) Close() error {
	own := func(owner string) bool { return owner != d.options.Owner }
	failed := []error{d.Reap(context.Background(), own), stage.RemoveTree(filepath.Join(d.options.Dir, tmpFolder))}
	_ = os.Remove(filepath.Join(d.options.Dir, boxesFolder)) // not while there are others
	return errors.Join(failed...)
}
