package gvisor

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/kernel/volume"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/gvisor/runsc"
	"lambent.dev/lambent/internal/sandbox/hostroot"
	"lambent.dev/lambent/internal/sandbox/stage"
)

// maxID is the longest id of a sandbox in bytes.
const maxID = 64

// template is a finished root file system on the stage, and what boxes need ready.
type template struct {
	driver  *Driver
	base    sandbox.Base
	preload *sandbox.Preload // nil without one
	runsc   string           // path
	cgroups *cgroup.Host
	volumes *volume.Maker
	stage   *stage.Stage
	dir     string       // of its own
	root    string       // the root, on the stage
	users   atomic.Int64 // the template and its boxes

	mu     sync.Mutex // protects closed
	closed bool
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
	t.users.Store(1)
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
	if t.stage, err = d.stage.Use(); err != nil {
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
	if err := checkID(id); err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if !t.enter() {
		return nil, fmt.Errorf("creating sandbox %s: the template: %w", id, sandbox.ErrClosed)
	}
	var undo cleanup.Stack
	undo.Add(t.leave)
	b, err := t.newBox(ctx, id, weight, &undo)
	if err != nil {
		undo.Run(&err)
		return nil, fmt.Errorf("creating sandbox %s: %w", id, err)
	}
	return b, nil
}

// enter makes the caller a user of what a template and its boxes share.
func (t *template) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.users.Add(1)
	return true
}

// leave frees what is shared with its last user.
func (t *template) leave() error {
	if t.users.Add(-1) > 0 {
		return nil
	}
	unmounted := t.stage.Do(context.Background(), func() error { return stage.Unmount(t.root) })
	return errors.Join(unmounted, t.driver.stage.Leave(), stage.RemoveTree(t.dir))
}

// Close implements sandbox.Template.
func (t *template) Close() error {
	t.mu.Lock()
	was := t.closed
	t.closed = true
	t.mu.Unlock()
	if was {
		return nil
	}
	return t.leave()
}

func checkID(id string) error {
	if id == "" || len(id) > maxID {
		return fmt.Errorf("a sandbox id has 1 to %d bytes, not %d", maxID, len(id))
	}
	for _, c := range []byte(id) {
		if !(c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return fmt.Errorf("sandbox id %q has more than letters, digits and '-'", id)
		}
	}
	return nil
}
