package light

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync/atomic"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/kernel/landlock"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/hostroot"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/templates"
)

// template is a finished root file system on a thread, and what boxes need ready.
type template struct {
	driver  *Driver
	base    sandbox.Base
	cgroups *cgroup.Host
	setup   initproto.Setup  // the same for all boxes
	preload *sandbox.Preload // nil without one
	root    *os.File         // mount namespace with the finished root
	spawner *spawner
	ahead   *ahead
	zygotes *forkers                      // nil: what is preloaded is executed
	users   *templates.Users              // the template, its boxes and zygotes
	last    atomic.Pointer[cgroup.Limits] // of the workload that was bound last; nil = none was
}

var _ sandbox.Template = (*template)(nil)

func (d *Driver) newTemplate(ctx context.Context, b sandbox.Base) (_ *template, err error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	t := &template{driver: d, base: b}
	t.users = templates.NewUsers(t.free)
	if t.cgroups, err = cgroup.Open(d.options.CgroupRoot); err != nil {
		return nil, err
	}
	if t.setup, err = d.newSetup(); err != nil {
		return nil, err
	}
	if t.preload, err = d.resolvePreload(b.Preload); err != nil {
		return nil, err
	}
	dir, err := d.private(rootFolder)
	if err != nil {
		return nil, err
	}
	resolvConf, err := resolvConfOf(b.Network)
	if err != nil {
		return nil, err
	}
	var undo cleanup.Stack
	defer undo.Run(&err)
	if t.root, err = newRoot(root{driver: d, dir: dir, shown: t.shown(), resolvConf: resolvConf}.build); err != nil {
		return nil, err
	}
	undo.Add(t.root.Close)
	if t.spawner, err = d.useSpawner(ctx, t.cgroups); err != nil {
		return nil, err
	}
	undo.Add(d.spawner.Leave)
	if t.ahead, err = d.useAhead(b.Network); err != nil {
		return nil, err
	}
	undo.Release()
	t.zygotes = newForkers(ctx, t)
	return t, nil
}

// preloads says whether a box gets something that waits. What executes any program is not
// worth its own start while somebody waits for the box: the init executes as well.
func (t *template) preloads(ahead bool) bool {
	return t.preload != nil && (ahead || t.preload.Command.Path != "")
}

// shown are the mounts that every box of the template has.
func (t *template) shown() []sandbox.Mount {
	if t.preload == nil {
		return nil
	}
	return t.preload.Mounts
}

// newSetup decides once what every init of a template is told.
func (d *Driver) newSetup() (initproto.Setup, error) {
	s := initproto.Setup{
		ShmSize: shmSize, UID: hostroot.UID, GID: hostroot.GID,
		HostProc: !d.has(PrivateProc), Dumpable: !d.has(GuardedInit),
		Privileged: !d.has(NoCapabilities), NewPrivileges: !d.has(NoNewPrivileges),
		Descriptors: !d.has(CloseDescriptors), SetUID: !d.has(NoSUID),
	}
	if d.has(UTSNamespace) {
		s.Hostname = hostroot.Hostname
	}
	if d.has(MaskedProc) && d.has(PrivateProc) {
		s.Masked, s.MaskedFolders, s.ReadOnly = hostroot.MaskedFiles(), hostroot.MaskedFolders(), hostroot.ReadOnlyProc()
	}
	if d.has(Landlock) && landlock.Usable() {
		s.Writable = writablePlaces
	}
	if !d.has(PrivateDevices) {
		s.ShmSize = 0
	}
	if !d.has(Seccomp) {
		return s, nil
	}
	var err error
	if s.Filter, err = assemble(append(slices.Clip(policy), attaching)); err != nil {
		return s, err
	}
	s.Final, err = deny(attaching)
	return s, err
}

// shmSize bounds /dev/shm, in bytes: its content is charged to the box's memory besides,
// whose size is not known when the box is made.
const shmSize = 1 << 30

// Forks implements sandbox.Forker.
func (t *template) Forks() bool { return t.zygotes.current() != nil }

// Create implements sandbox.Template.
func (t *template) Create(ctx context.Context, id string) (sandbox.Sandbox, error) {
	return t.create(ctx, id, 0)
}

// CreateInBackground implements sandbox.Background.
func (t *template) CreateInBackground(ctx context.Context, id string) (sandbox.Sandbox, error) {
	return t.create(ctx, id, backgroundWeight)
}

// backgroundWeight leaves a tenth of what a function of one CPU has: enough that whoever
// waits for a lock of the kernel, which such a box holds, does not wait for long.
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
	return errors.Join(t.driver.spawner.Leave(), t.root.Close())
}

// Close implements sandbox.Template.
func (t *template) Close() error {
	if !t.users.Close() {
		return nil
	}
	t.zygotes.close()
	t.driver.leaveAhead()
	return t.users.Leave()
}
