package gvisor

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/kernel/volume"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/gvisor/runsc"
	"lambent.dev/lambent/internal/sandbox/hostroot"
	"lambent.dev/lambent/internal/sandbox/stage"
	"lambent.dev/lambent/internal/sandbox/templates"
)

// template is a finished root file system on the stage, and what boxes need ready.
type template struct {
	driver  *Driver
	base    sandbox.Base
	preload *sandbox.Preload // nil without one
	runsc   string           // path
	cgroups *cgroup.Host
	volumes *volume.Maker
	stage   *stage.Stage
	dir     string           // of its own
	root    string           // the root, on the stage
	users   *templates.Users // the template and its boxes
}

var (
	_ sandbox.Template   = (*template)(nil)
	_ sandbox.Background = (*template)(nil)
)

func (d *Driver) newTemplate(ctx context.Context, b sandbox.Base) (_ *template, err error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	t := &template{driver: d, base: b}
	t.users = templates.NewUsers(t.free)
	if t.runsc, err = d.findRunsc(); err != nil {
		return nil, fmt.Errorf("%w: %w", sandbox.ErrUnavailable, err)
	}
	if t.cgroups, err = cgroup.Open(d.options.CgroupRoot); err != nil {
		return nil, err
	}
	if t.volumes, err = volume.Open(filepath.Join(d.options.Dir, tmpFolder)); err != nil {
		return nil, err
	}
	if t.preload, err = d.resolvePreload(b.Preload); err != nil {
		return nil, err
	}
	var undo cleanup.Stack
	defer undo.Run(&err)
	if t.stage, err = d.stage.Use(stage.Start); err != nil {
		return nil, err
	}
	undo.Add(d.stage.Leave)
	t.dir = d.newRootDir()
	undo.Add(func() error { return stage.RemoveTree(t.dir) })
	t.root = filepath.Join(t.dir, "root")
	if err := stage.Folders(t.root); err != nil {
		return nil, err
	}
	undo.Add(func() error { return t.stage.Do(context.Background(), func() error { return stage.Unmount(t.root) }) })
	if err := t.stage.Do(ctx, t.build); err != nil {
		return nil, err
	}
	undo.Release()
	return t, nil
}

// newRootDir names a folder for a template. Ids of boxes have no dot.
func (d *Driver) newRootDir() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.roots++
	return filepath.Join(d.home(), fmt.Sprintf("template.%d", d.roots))
}

// findRunsc returns the first runsc that is the right one.
func (d *Driver) findRunsc() (string, error) {
	failed := []error{fmt.Errorf("no runsc of version %s; looked at", runsc.Version)}
	for _, path := range d.options.Runsc {
		err := runsc.Check(path)
		if err == nil {
			return path, nil
		}
		failed = append(failed, err)
	}
	return "", errors.Join(failed...)
}

// build makes the root, on the stage.
func (t *template) build() error {
	r := hostroot.Root{Dir: t.root, Attributes: t.attributes(), HostFolders: !t.driver.has(PrivateRoot), ResolvConf: t.resolvConf()}
	if err := r.Build(); err != nil {
		return err
	}
	for _, place := range []string{agentproto.Folder, "/sys", "/dev/shm"} {
		if err := stage.Folders(r.At(place)); err != nil {
			return err
		}
	}
	if err := r.Program(t.driver.options.Agent, agentproto.Path); err != nil {
		return err
	}
	for _, m := range t.shown() {
		if err := mount.Bind(m.Source, r.At(m.Target), t.attributes()|mount.ReadOnly, false); err != nil {
			return err
		}
	}
	return r.Finish()
}

// attributes are those of the root's mounts.
func (t *template) attributes() uint64 {
	attr := uint64(mount.NoDev)
	if t.driver.has(ReadOnlyRoot) {
		attr |= mount.ReadOnly
	}
	if t.driver.has(NoSUID) {
		attr |= mount.NoSUID
	}
	return attr
}

// Create implements sandbox.Template.
func (t *template) Create(ctx context.Context, id string) (sandbox.Sandbox, error) {
	return t.create(ctx, id, 0)
}

// CreateInBackground implements sandbox.Background.
func (t *template) CreateInBackground(ctx context.Context, id string) (sandbox.Sandbox, error) {
	return t.create(ctx, id, backgroundWeight)
}

// backgroundWeight leaves a tenth of what a function of one CPU has: starting a kernel takes a
// tenth of a second of CPU.
const backgroundWeight = 10

func (t *template) create(ctx context.Context, id string, weight uint64) (sandbox.Sandbox, error) {
	b, err := templates.Create(ctx, t.users, id, func(undo *cleanup.Stack) (*box, error) {
		return t.newBox(ctx, id, weight, undo)
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// free gives back what is shared, after its last user.
func (t *template) free() error {
	unmounted := t.stage.Do(context.Background(), func() error { return stage.Unmount(t.root) })
	return errors.Join(unmounted, t.driver.stage.Leave(), stage.RemoveTree(t.dir))
}

// Close implements sandbox.Template.
func (t *template) Close() error {
	if !t.users.Close() {
		return nil
	}
	return t.users.Leave()
}
