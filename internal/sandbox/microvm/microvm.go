package microvm

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
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/microvm/image"
	"lambent.dev/lambent/internal/sandbox/stage"
	"lambent.dev/lambent/internal/sandbox/templates"
)

// defaultCgroupRoot is where systemd and everybody after it mounts cgroups.
const defaultCgroupRoot = "/sys/fs/cgroup"

// Options are what a Driver needs to know.
type Options struct {
	Agent      string   // path of the program lambent-agent
	Images     []string // folders in which what `lambent setup microvm` made is looked for, in order
	Owner      string   // names what belongs to this run: letters, digits and '-', at most 64 bytes
	Dir        string   // private folder of this driver
	Cache      string   // folder of snapshots and images of folders, which drivers share; "" = in Dir
	CgroupRoot string   // "" = /sys/fs/cgroup
	// Monitor runs guests; "" = Auto.
	Monitor Monitor
	// Filter is the seccomp program that says what functions may ask of a guest's kernel.
	Filter []byte
	// Egress links guests of the profile egress; nil = there is none.
	Egress *egress.Gateway
	// Preload says what sandbox.Base.Preload names. nil = nothing can be preloaded.
	Preload func(name string) (sandbox.Preload, error)
	Log     *slog.Logger
	// Without takes protections away. It exists for the attack suite, which proves with it
	// that its attacks can succeed; nothing else may set it.
	Without []Protection
}

// Driver makes sandboxes of the tier microvm. Its methods may be called from many goroutines.
type Driver struct {
	options Options
	stage   templates.Shared[*stage.Stage] // its users are templates

	mu    sync.Mutex  // protects the fields below
	roots int         // templates that were made
	kvm   *kvmFinding // nil before it was looked for
	known image.Set   // whose content was verified

	firecracker *monitorFinding // nil before it was looked for
}

var (
	_ sandbox.Driver   = (*Driver)(nil)
	_ sandbox.Emulator = (*Driver)(nil)
)

// New returns a driver. It looks at nothing on the host yet: Probe does.
func New(o Options) (*Driver, error) {
	for name, path := range map[string]string{"agent": o.Agent, "dir": o.Dir} {
		if !filepath.IsAbs(path) {
			return nil, fmt.Errorf("microvm driver: %s %q is not an absolute path", name, path)
		}
	}
	if o.Owner == "" || len(o.Filter) == 0 {
		return nil, errors.New("microvm driver: an owner and a filter of system calls must be given")
	}
	if o.Monitor == "" {
		o.Monitor = Auto
	}
	if !slices.Contains(Monitors(), o.Monitor) {
		return nil, fmt.Errorf("microvm driver: unknown monitor %q: use one of %v", o.Monitor, Monitors())
	}
	if o.CgroupRoot == "" {
		o.CgroupRoot = defaultCgroupRoot
	}
	if o.Cache == "" {
		o.Cache = filepath.Join(o.Dir, "cache")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Without, o.Images = slices.Clone(o.Without), slices.Clone(o.Images)
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
		return nil, fmt.Errorf("preparing a microvm template: %w", err)
	}
	return t, nil
}

// Memory classes, in MiB.
const (
	defaultMemory = 128 // of a base that names none
	maxMemory     = 10240
)

func (d *Driver) supported(b sandbox.Base) error {
	switch {
	case b.Root != sandbox.RootHost:
		return fmt.Errorf("microvm has no root file system %q: use %q", b.Root, sandbox.RootHost)
	case !d.offers(b.Network):
		return fmt.Errorf("microvm has no network profile %q here: use %q", b.Network, sandbox.NetworkNone)
	case b.Tmp <= 0:
		return fmt.Errorf("microvm needs a size for /tmp, not %d", b.Tmp)
	case b.Memory < 0 || b.Memory > maxMemory:
		return fmt.Errorf("microvm has no memory class of %d MiB: use 1 to %d", b.Memory, maxMemory)
	}
	return nil
}

// Reap implements sandbox.Driver. A daemon that died took its processes and mounts with it;
// what stays are its control groups and its folders. What is of no use any more in the cache goes.
func (d *Driver) Reap(ctx context.Context, alive func(owner string) bool) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	host, err := cgroup.Open(d.options.CgroupRoot)
	if err != nil {
		return fmt.Errorf("reaping microvm sandboxes: %w", err)
	}
	return errors.Join(host.Reap(alive), stage.Reap(filepath.Join(d.options.Dir, boxesFolder), alive), d.collect())
}

// Close removes what the driver keeps on the host for as long as it runs, but for the cache. Its
// templates and boxes are closed before. What belongs to another server on the same folder stays.
func (d *Driver) Close() error {
	own := func(owner string) bool { return owner != d.options.Owner }
	failed := []error{d.Reap(context.Background(), own), stage.RemoveTree(filepath.Join(d.options.Dir, tmpFolder))}
	_ = os.Remove(filepath.Join(d.options.Dir, boxesFolder)) // not while there are others
	return errors.Join(failed...)
}
