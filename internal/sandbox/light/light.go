package light

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/templates"
)

// defaultCgroupRoot is where systemd and everybody after it mounts cgroups.
const defaultCgroupRoot = "/sys/fs/cgroup"

// Options are what a Driver needs to know.
type Options struct {
	Init       string // path of the program lambent-init, readable and executable for all
	Owner      string // names the cgroups of this run: letters, digits and '-', at most 64 bytes
	Dir        string // private folder of this driver: mount points and /tmp images
	CgroupRoot string // "" = /sys/fs/cgroup
	IDs        string // of users and groups, that boxes have on the host: FIRST-LAST; "" = DefaultIDs
	// Egress makes the networks of boxes with that profile; nil = there are none.
	Egress *egress.Gateway
	// HostNetwork offers the profile host: boxes in the host's own network.
	HostNetwork bool
	Log         *slog.Logger
	// Preload says what Base.Preload names. nil = nothing can be preloaded.
	Preload func(name string) (sandbox.Preload, error)
	// Without takes protections away. It exists for the attack suite, which proves
	// with it that its attacks can succeed; nothing else may set it.
	Without []Protection
}

// Driver makes sandboxes of the tier light. Its methods may be called from many
// goroutines. It holds nothing of the host itself: its templates do.
type Driver struct {
	options Options
	ids     *idRanges
	zygotes atomic.Uint64 // started so far

	spawner templates.Shared[*spawner]

	mu    sync.Mutex // protects the fields below
	ahead *ahead     // nil before the first template
	users int        // templates that take from it
}

var _ sandbox.Driver = (*Driver)(nil)

// New returns a driver. It looks at nothing on the host yet: Probe does.
func New(o Options) (*Driver, error) {
	for name, path := range map[string]string{"init": o.Init, "dir": o.Dir} {
		if !filepath.IsAbs(path) {
			return nil, fmt.Errorf("light driver: %s %q is not an absolute path", name, path)
		}
	}
	if o.Owner == "" {
		return nil, errors.New("light driver: no owner is given")
	}
	if o.CgroupRoot == "" {
		o.CgroupRoot = defaultCgroupRoot
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Without = slices.Clone(o.Without)
	ids, err := newIDRanges(cmp.Or(o.IDs, DefaultIDs), o.Owner)
	if err != nil {
		return nil, fmt.Errorf("light driver: %w", err)
	}
	return &Driver{options: o, ids: ids}, nil
}

// has says whether a protection is in force.
func (d *Driver) has(p Protection) bool { return !slices.Contains(d.options.Without, p) }

// Prepare implements sandbox.Driver.
func (d *Driver) Prepare(ctx context.Context, b sandbox.Base) (sandbox.Template, error) {
	if err := d.supported(b); err != nil {
		return nil, err
	}
	t, err := d.newTemplate(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("preparing a light template: %w", err)
	}
	return t, nil
}

func (d *Driver) supported(b sandbox.Base) error {
	switch {
	case b.Root != sandbox.RootHost:
		return fmt.Errorf("light has no root file system %q: use %q", b.Root, sandbox.RootHost)
	case !d.offers(b.Network):
		return fmt.Errorf("light was not given the network profile %q: use %q", b.Network, sandbox.NetworkNone)
	case b.Tmp <= 0:
		return fmt.Errorf("light needs a size for /tmp, not %d", b.Tmp)
	}
	return nil
}

// Reap implements sandbox.Driver. A daemon that died took its processes, mounts and
// namespaces with it; what stays are its cgroups, empty.
func (d *Driver) Reap(ctx context.Context, alive func(owner string) bool) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	host, err := cgroup.Open(d.options.CgroupRoot)
	if err != nil {
		return fmt.Errorf("reaping light sandboxes: %w", err)
	}
	return host.Reap(alive)
}

// Close removes what the driver keeps on the host for as long as it runs: its owner's
// cgroup folder and its folder's content. Its templates and boxes are closed before.
func (d *Driver) Close() error {
	own := func(owner string) bool { return owner != d.options.Owner }
	failed := []error{d.Reap(context.Background(), own)}
	for _, name := range []string{rootFolder, tmpFolder} {
		// Nothing is ever mounted here in the daemon's own mount namespace.
		failed = append(failed, os.RemoveAll(filepath.Join(d.options.Dir, name)))
	}
	return errors.Join(failed...)
}

// The driver's folders.
const (
	rootFolder = "root" // mount point of every template, each in a namespace of its own
	tmpFolder  = "tmp"  // images of /tmp
)

// private makes a folder of the driver that only root can enter.
func (d *Driver) private(name string) (string, error) {
	dir := filepath.Join(d.options.Dir, name)
	return dir, os.MkdirAll(dir, 0o700)
}
