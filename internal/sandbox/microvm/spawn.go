package microvm

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/agent"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/agent/wire"
	"lambent.dev/lambent/internal/sandbox/hostroot"
	"lambent.dev/lambent/internal/sandbox/output"
	"lambent.dev/lambent/internal/sandbox/stage"
)

const (
	// bootLimit bounds a guest's boot until it is saved, which takes some seconds where its processor
	// is emulated, and a minute where the host is very busy besides.
	bootLimit = 4 * time.Minute
	// startLimit bounds a restored guest until its agent answers.
	startLimit = 60 * time.Second
	// closeLimit bounds how long a guest that was saved may take to go.
	closeLimit = 30 * time.Second
	// monitorOverhead is what the monitor may use beside the guest's memory, in bytes: for what it
	// translates of the guest's code, where it emulates.
	monitorOverhead = 192 << 20
	// monitorPids bounds the monitor's threads.
	monitorPids = 128
	// shmSize bounds /dev/shm, in bytes; it is the commands' memory.
	shmSize = 1 << 30
	// unlimitedTmp stands for a /tmp without its limit, in bytes.
	unlimitedTmp = 8 << 30
	// seedSize is how many random bytes a guest is given, twice what its kernel's generator holds.
	seedSize = 64
	// monitorID is the user and group that monitors run as. Nothing on the host belongs to it.
	monitorID = 986_000_001
)

// newBox makes a box and waits until its guest is ready: one that goes on from a snapshot, or
// without one boots. What it adds to undo is the box's to run at its end.
func (t *template) newBox(ctx context.Context, id string, weight uint64, undo *cleanup.Stack, s *snapshot) (_ *box, err error) {
	b := &box{Box: agent.Box{ID: id, Freed: make(chan struct{}), Tickets: &agent.Tickets{}}, template: t, said: &output.Head{}, gone: make(chan struct{})}
	b.Kill, b.Pipes, b.RanOut = b.killGroup, (*pipes)(b), b.ranOut
	h, err := b.reserve(ctx, weight, s, undo)
	defer closeFiles(h.drives["tmp"])
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := b.start(ctx, h, s, undo); err != nil {
		return nil, err
	}
	b.free = undo.Release()
	go b.watch()
	if err := b.setUp(ctx, s); err != nil {
		return nil, b.Destroy(b.lastWords(err))
	}
	b.made = sandbox.Made{Emulated: !t.kvm, Boot: t.booted, Restore: sandbox.Span{From: began, To: time.Now()}}
	return b, nil
}

// lastWords adds what the monitor said.
func (b *box) lastWords(err error) error {
	if said := b.said.String(); said != "" {
		return fmt.Errorf("%w: the monitor said: %s", err, said)
	}
	return err
}

// reserve takes what the box needs of the host.
func (b *box) reserve(ctx context.Context, weight uint64, s *snapshot, undo *cleanup.Stack) (h hardware, err error) {
	t := b.template
	h = t.hardware()
	limits := cgroup.Limits{Memory: h.memory + monitorOverhead, Pids: monitorPids, CPUWeight: weight}
	if b.group, err = t.cgroups.Create(t.driver.options.Owner, b.ID, limits); err != nil {
		return h, err
	}
	undo.Add(b.group.Close)
	if err := b.reserveLink(&h, undo); err != nil {
		return h, err
	}
	size := t.base.Tmp
	if !t.driver.has(TmpLimit) {
		size = unlimitedTmp
	}
	tmp, err := t.volumes.Image(ctx, size)
	if err != nil {
		return h, err
	}
	h.drives = map[string]*os.File{"base": t.root, "tmp": tmp}
	for _, name := range agentproto.Devices()[2:] {
		h.drives[name] = cmp.Or(t.shown[name], t.empty)
	}
	if s != nil {
		h.ram = s.ram
		return h, nil
	}
	return b.reserveBoot(h, undo)
}

// reserveBoot takes what only a guest that boots needs.
func (b *box) reserveBoot(h hardware, undo *cleanup.Stack) (_ hardware, err error) {
	if h.kernel, err = os.Open(b.template.images.Kernel); err != nil {
		return h, err
	}
	undo.Add(h.kernel.Close)
	h.initrd = b.template.initrd
	if b.template.vmm.named() {
		return h, nil // the memory is the monitor's until it is saved
	}
	if h.ram, err = memoryFile("lambent-ram"); err != nil {
		return h, err
	}
	return h, h.ram.Truncate(h.memory)
}

// start starts the monitor, on the stage.
func (b *box) start(ctx context.Context, h hardware, s *snapshot, undo *cleanup.Stack) (err error) {
	if b.monitor, err = b.template.vmm.prepare(b.ID, h, s); err != nil {
		return err
	}
	undo.Add(b.monitor.close)
	port := b.monitor.port()
	err = b.spawn(ctx, b.monitor.command(), undo)
	b.monitor.started()
	if err != nil {
		return errors.Join(err, port.Close())
	}
	b.wire = wire.Host(port, func(ticket uint64, s *wire.Stream) {
		if !b.Tickets.Hand(s, ticket) {
			_ = s.Close() // nobody expects it
		}
	})
	b.Control = agent.NewControl(b.wire, b.Exited)
	return nil
}

// spawn starts the monitor in its jail and in the box's group.
func (b *box) spawn(ctx context.Context, c command, undo *cleanup.Stack) error {
	said, err := b.said.Open()
	if err != nil {
		return err
	}
	defer func() { _ = said.Close() }()
	undo.Add(b.said.Close)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = null.Close() }()
	attributes := &os.ProcAttr{Dir: "/", Env: []string{}, Files: append([]*os.File{null, said, said}, c.files...), Sys: b.confinement(c)}
	err = b.template.stage.Do(ctx, func() error {
		// What the daemon itself had inherited, a monitor must not.
		if err := unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
			return os.NewSyscallError("close_range", err)
		}
		return stage.Within(b.template.cgroups, b.group, func() error {
			return stage.Inside(c.network, func() (err error) {
				b.process, err = os.StartProcess(c.program, append([]string{c.program}, c.args...), attributes)
				return err
			})
		})
	})
	if err != nil {
		return fmt.Errorf("starting the monitor: %w", err)
	}
	return nil
}

// confinement is what a monitor is kept in, beside its control group and its own filter.
func (b *box) confinement(c command) *syscall.SysProcAttr {
	sys := &syscall.SysProcAttr{
		Setsid: true, Pdeathsig: syscall.SIGKILL, Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
	}
	if !c.jails {
		sys.Chroot, sys.Credential = b.template.jail, &syscall.Credential{Uid: monitorID, Gid: b.template.monitorGroup()}
	}
	sys.CgroupFD, sys.UseCgroupFD = b.group.CloneFD()
	return sys
}

// setUp has the guest run and its agent finish the box.
func (b *box) setUp(ctx context.Context, s *snapshot) (err error) {
	if s != nil { // a boot has its own limit
		limited, stop := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("a guest did not answer within %v", startLimit))
		defer stop()
		ctx = limited
	}
	ctx, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	go b.leaveWhenGone(ctx, leave)
	if b.machine, err = b.monitor.open(ctx); err != nil {
		return b.whyEnded(err)
	}
	if s == nil {
		return b.awaitBoot(ctx)
	}
	_, err = b.Control.Call(ctx, b.first())
	return b.whyEnded(err)
}

// leaveWhenGone ends what waits for a monitor that ended. It ends with ctx.
func (b *box) leaveWhenGone(ctx context.Context, leave context.CancelCauseFunc) {
	select {
	case <-b.gone:
		leave(sandbox.ErrClosed)
	case <-ctx.Done():
	}
}

// first is what the agent of a restored guest is asked first.
func (b *box) first() *agentproto.Request {
	if !b.template.early() {
		s := b.template.setup()
		s.Guest.Fresh.Network = b.network()
		return &agentproto.Request{Setup: s}
	}
	b.waits = b.template.preload != nil
	f := fresh()
	f.Network = b.network()
	return &agentproto.Request{Wake: &f}
}

// awaitBoot returns when the agent answers.
func (b *box) awaitBoot(ctx context.Context) error {
	_, err := b.Control.Call(ctx, &agentproto.Request{Usage: &agentproto.Usage{}})
	return b.whyEnded(err)
}

// whyEnded is err, or, where the guest ended before it spoke, what watch knows of that.
func (b *box) whyEnded(err error) error {
	if !errors.Is(err, sandbox.ErrClosed) {
		return err
	}
	<-b.Freed
	return b.Err()
}

// setup is what the agent of a restored guest is told first.
func (t *template) setup() *agentproto.Setup {
	d := t.driver
	f := fresh()
	s := &agentproto.Setup{
		UID: hostroot.UID, GID: hostroot.GID, ShmSize: shmSize, Privileged: !d.has(NoCapabilities),
		Guest: &agentproto.Guest{Fresh: &f, ResolvConf: t.resolvConf(), NewPrivileges: !d.has(NoNewPrivs), SetUID: !d.has(NoSUID)},
	}
	if d.has(Seccomp) {
		s.Guest.Filter = d.options.Filter
	}
	if d.has(MaskedProc) {
		s.Guest.Masked, s.Guest.ReadOnly = slices.Concat(hostroot.MaskedFolders(), hostroot.MaskedFiles()), hostroot.ReadOnlyProc()
	}
	return s
}

// fresh is what no two guests have in common.
func fresh() agentproto.Fresh {
	f := agentproto.Fresh{Time: time.Now().UnixNano(), Seed: make([]byte, seedSize)}
	_, _ = rand.Read(f.Seed) // never fails
	return f
}

// save pauses a guest that has booted, and keeps its memory and state.
func (b *box) save(ctx context.Context) (*snapshot, error) {
	if err := b.ready(ctx); err != nil {
		return nil, err
	}
	if err := keepsTime(ctx, b.Control); err != nil {
		return nil, err
	}
	if err := b.machine.pause(ctx); err != nil {
		return nil, err
	}
	return b.machine.save(ctx)
}
