package microvm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/kernel/volume"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/hostroot"
	"lambent.dev/lambent/internal/sandbox/microvm/image"
	"lambent.dev/lambent/internal/sandbox/stage"
	"lambent.dev/lambent/internal/sandbox/templates"
)

// template is a snapshot of a base, and what boxes need ready.
type template struct {
	driver  *Driver
	base    sandbox.Base
	vmm     vmm
	kvm     bool
	images  image.Set
	initrd  *os.File
	root    *os.File // the base's image
	empty   *os.File // what a drive of code shows before Bind
	folders *image.Folders
	cgroups *cgroup.Host
	volumes *volume.Maker
	stage   *stage.Stage
	dir     string // of its own
	jail    string // the monitors' root, on the stage
	preload *sandbox.Preload
	shown   map[string]*os.File // images of the preload's folders by drive
	snap    *snapshot
	booted  sandbox.Span     // of the guest that was saved; zero where the snapshot was there
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
	if b.Memory == 0 {
		b.Memory = defaultMemory
	}
	t := &template{driver: d, base: b, kvm: d.usableKVM().usable}
	t.users = templates.NewUsers(t.free)
	if t.vmm, err = d.monitorFor(ctx); err != nil {
		return nil, err
	}
	if t.preload, err = d.resolvePreload(b.Preload); err != nil {
		return nil, err
	}
	if t.cgroups, err = cgroup.Open(d.options.CgroupRoot); err != nil {
		return nil, err
	}
	if t.volumes, err = volume.Open(filepath.Join(d.options.Dir, tmpFolder)); err != nil {
		return nil, err
	}
	var undo cleanup.Stack
	defer undo.Run(&err)
	if err := t.openImages(ctx, &undo); err != nil {
		return nil, err
	}
	if t.stage, err = d.stage.Use(stage.Start); err != nil {
		return nil, err
	}
	undo.Add(d.stage.Leave)
	if err := t.makeJail(ctx, &undo); err != nil {
		return nil, err
	}
	if t.snap, err = t.takeSnapshot(ctx); err != nil {
		return nil, err
	}
	undo.Add(t.snap.close)
	undo.Release()
	return t, nil
}

// openImages opens what guests boot from.
func (t *template) openImages(ctx context.Context, undo *cleanup.Stack) (err error) {
	d := t.driver
	if t.images, err = d.findImages(); err != nil {
		return fmt.Errorf("%w: %w", sandbox.ErrUnavailable, err)
	}
	if t.images, err = t.vmm.images(t.images); err != nil {
		return err
	}
	if t.folders, err = image.NewFolders(filepath.Join(d.options.Cache, foldersFolder)); err != nil {
		return err
	}
	if t.empty, err = t.folders.Empty(); err != nil {
		return err
	}
	undo.Add(t.empty.Close)
	if t.root, err = t.openBase(); err != nil {
		return err
	}
	undo.Add(t.root.Close)
	if t.initrd, err = memoryFile("lambent-initramfs"); err != nil {
		return err
	}
	undo.Add(t.initrd.Close)
	if err := t.openPreload(ctx, undo); err != nil {
		return err
	}
	return errors.Join(image.WriteInitramfs(t.initrd, d.options.Agent, t.images.Modules, t.outside(), t.vmm.modules()...), seal(t.initrd))
}

// openBase opens the base's image. One that was made in the cache is not collected meanwhile.
func (t *template) openBase() (*os.File, error) {
	if t.vmm.named() {
		return image.Use(t.images.Base, os.O_RDONLY)
	}
	return os.Open(t.images.Base)
}

// findImages finds a set and verifies it, once for a driver.
func (d *Driver) findImages() (image.Set, error) {
	set, err := image.Find(d.options.Images)
	if err != nil {
		return set, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == set {
		return set, nil
	}
	if err := set.Verify(); err != nil {
		return set, err
	}
	d.known = set
	return set, nil
}

// makeJail makes the monitors' root: the host's programs, and a /proc in which each of them sees
// itself only (proc(5), hidepid).
func (t *template) makeJail(ctx context.Context, undo *cleanup.Stack) error {
	t.dir = t.driver.newRootDir()
	undo.Add(func() error { return stage.RemoveTree(t.dir) })
	t.jail = filepath.Join(t.dir, "root")
	if err := stage.Folders(t.jail); err != nil {
		return err
	}
	undo.Add(func() error { return t.stage.Do(context.Background(), t.unmountJail) })
	return t.stage.Do(ctx, t.mountJail)
}

func (t *template) mountJail() error {
	r := hostroot.Root{Dir: t.jail, Attributes: mount.ReadOnly | mount.NoSUID | mount.NoDev}
	if err := r.Build(); err != nil {
		return err
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("proc", r.At("/proc"), "proc", flags, "hidepid=2,subset=pid"); err != nil {
		return &os.PathError{Op: "mount", Path: "/proc", Err: err}
	}
	if err := t.showKVM(r); err != nil {
		return err
	}
	return r.Finish()
}

// showKVM shows the device of the processor's virtualisation where it is used.
func (t *template) showKVM(r hostroot.Root) error {
	if !t.kvm {
		return nil
	}
	if err := os.WriteFile(r.At(kvmDevice), nil, 0o600); err != nil {
		return err
	}
	return mount.Bind(kvmDevice, r.At(kvmDevice), mount.NoSUID, false)
}

func (t *template) unmountJail() error { return stage.Unmount(t.jail) }

// newRootDir names a folder for a template. Ids of boxes have no dot.
func (d *Driver) newRootDir() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.roots++
	return filepath.Join(d.home(), fmt.Sprintf("template.%d", d.roots))
}

// takeSnapshot returns the snapshot of the base: one that was stored, or of a guest that it boots.
func (t *template) takeSnapshot(ctx context.Context) (*snapshot, error) {
	key, err := t.snapshotKey()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(t.driver.options.Cache, snapshotsFolder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, key)
	unlock, err := lock(path + ".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	s, err := loadSnapshot(path, t.vmm.named())
	if err == nil {
		return s.hold(path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	t.booted.From = time.Now()
	if s, err = t.boot(ctx); err != nil {
		return nil, err
	}
	t.booted.To = time.Now()
	if err := s.store(path); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if s, err = s.hold(path); err != nil {
		return nil, err
	}
	return s, t.driver.collect()
}

// lock waits until nobody else holds a file, also in other processes.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(os.NewSyscallError("flock", err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// snapshotKey names all that decides what is in a snapshot. It bears the account: guests that
// go on from one share the layout of memory.
func (t *template) snapshotKey() (string, error) {
	agent, err := image.Digest(t.driver.options.Agent)
	if err != nil {
		return "", err
	}
	monitor, err := t.vmm.identity()
	if err != nil {
		return "", err
	}
	boot, err := bootID()
	if err != nil {
		return "", err
	}
	shown := map[string]string{}
	for drive, f := range t.shown {
		shown[drive] = f.Name()
	}
	name, err := json.Marshal([]any{
		t.base, t.early(), t.driver.options.Filter, t.preload, shown, t.kvm, t.hardware().cpus, t.hardware().memory, agent, t.images.Key, monitor, boot, kernelLine + keepsFree(t.hardware().memory), guestMAC + controlless,
	})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(name)
	return hex.EncodeToString(sum[:16]), nil
}

// cpusOf follows AWS Lambda: a CPU for each 1,769 MB (Developer Guide, "Configure Lambda function memory").
func cpusOf(memory int) int { return 1 + min(memory/1770, 5) }

// hardware is what a guest of the base has, without images.
func (t *template) hardware() hardware {
	return hardware{memory: machineMemory(t.base.Memory), cpus: cpusOf(t.base.Memory), kvm: t.kvm}
}

// boot boots guests until one keeps time, and saves it.
func (t *template) boot(ctx context.Context) (s *snapshot, err error) {
	for range clockBoots {
		if s, err = t.bootOnce(ctx); !errors.Is(err, errClock) {
			return s, err
		}
		t.driver.options.Log.Warn("a guest is not saved", "error", err)
	}
	return nil, err
}

// bootOnce boots a guest and saves it.
func (t *template) bootOnce(ctx context.Context) (_ *snapshot, err error) {
	ctx, stop := context.WithTimeoutCause(ctx, bootLimit, fmt.Errorf("a guest did not boot within %v", bootLimit))
	defer stop()
	var undo cleanup.Stack
	id := "boot-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	b, err := t.newBox(ctx, id, 0, &undo, nil)
	if err != nil {
		undo.Run(&err)
		return nil, err
	}
	s, err := b.save(ctx)
	limit, end := cleanup.Context(ctx, closeLimit)
	defer end()
	if err = errors.Join(err, b.Close(limit)); err != nil {
		return nil, err
	}
	if err := s.settle(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// Create implements sandbox.Template.
func (t *template) Create(ctx context.Context, id string) (sandbox.Sandbox, error) {
	return t.create(ctx, id, 0)
}

// CreateInBackground implements sandbox.Background.
func (t *template) CreateInBackground(ctx context.Context, id string) (sandbox.Sandbox, error) {
	return t.create(ctx, id, backgroundWeight)
}

// backgroundWeight leaves a tenth of what a function of one CPU has.
const backgroundWeight = 10

func (t *template) create(ctx context.Context, id string, weight uint64) (sandbox.Sandbox, error) {
	b, err := templates.Create(ctx, t.users, id, func(undo *cleanup.Stack) (*box, error) {
		return t.newBox(ctx, id, weight, undo, t.snap)
	})
	if err != nil {
		return nil, err
	}
	if weight == 0 {
		return b, nil
	}
	if err := b.rehearse(ctx); err != nil {
		return nil, b.Destroy(fmt.Errorf("creating sandbox %s: %w", id, err))
	}
	return b, nil
}

// free gives back what is shared, after its last user.
func (t *template) free() error {
	unmounted := t.stage.Do(context.Background(), t.unmountJail)
	closeFiles(t.initrd, t.root, t.empty)
	for _, f := range t.shown {
		closeFiles(f)
	}
	return errors.Join(unmounted, t.driver.stage.Leave(), stage.RemoveTree(t.dir), t.snap.close())
}

// Close implements sandbox.Template.
func (t *template) Close() error {
	if !t.users.Close() {
		return nil
	}
	return t.users.Leave()
}
