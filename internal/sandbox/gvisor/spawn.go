package gvisor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/agent"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/hostroot"
	"lambent.dev/lambent/internal/sandbox/output"
	"lambent.dev/lambent/internal/sandbox/stage"
	"lambent.dev/lambent/internal/sandbox/stream"
)

const (
	// startLimit bounds runsc until the agent answers: it may hang where a platform does not
	// work.
	startLimit = 60 * time.Second
	// overhead is what runsc, its gofer and its kernel may use besides a function, in bytes. A
	// box with a Python at rest uses 20 MiB; the program's own pages are shared and seldom
	// charged to a box.
	overhead = 48 << 20
	// genericMemory is what a box may use before it has a workload, in bytes.
	genericMemory = overhead + 256<<20
	// ownPids are threads on the host that gVisor needs besides those of a function; each of
	// these takes up to pidsOfOne.
	ownPids, pidsOfOne = 512, 3
	// shmSize bounds /dev/shm, in bytes.
	shmSize = 1 << 30
	// unlimitedTmp stands for a /tmp without its limit, in bytes.
	unlimitedTmp = 8 << 30
)

// newBox makes a box and waits until its agent is ready. What it adds to undo is the box's to
// run at its end.
func (t *template) newBox(ctx context.Context, id string, weight uint64, undo *cleanup.Stack) (_ *box, err error) {
	b := &box{
		Box: agent.Box{ID: id, Freed: make(chan struct{})}, template: t, folder: layout(t.driver.home() + "/" + id), said: &output.Head{},
	}
	b.Kill, b.RanOut = b.killGroup, b.takeOOM
	tmp, err := b.reserve(ctx, weight, undo)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(tmp) }()
	if b.door, err = openDoor(b.folder.door()); err != nil {
		return nil, err
	}
	b.Tickets, b.Pipes = &b.door.Tickets, b.door
	if err := b.start(ctx, tmp, undo); err != nil {
		b.door.close()
		return nil, err
	}
	b.free = undo.Release()
	go b.watch()
	go b.keepMemory() // ends with the box
	if err := b.setUp(ctx); err != nil {
		return nil, b.Destroy(err)
	}
	return b, nil
}

func (b *box) setUp(ctx context.Context) error {
	ctx, stop := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("runsc did not start a sandbox within %v", startLimit))
	defer stop()
	d := b.template.driver
	_, err := b.Control.Call(ctx, &agentproto.Request{Setup: &agentproto.Setup{
		UID: hostroot.UID, GID: hostroot.GID, ShmSize: shmSize,
		Privileged: !d.has(NoCapabilities), Devices: !d.has(PrivateDevices),
	}})
	if err == nil && b.template.preload != nil {
		err = b.Preload(ctx, b.template.preload.Command)
	}
	if errors.Is(err, sandbox.ErrClosed) { // it ended before it spoke: watch knows why
		<-b.Freed
		return b.Err()
	}
	return err
}

// reserve takes what the box needs of the host, and returns the mount of its /tmp.
func (b *box) reserve(ctx context.Context, weight uint64, undo *cleanup.Stack) (tmp int, err error) {
	t := b.template
	b.limited = b.limits(cgroup.Limits{Memory: genericMemory, Pids: ownPids, CPUWeight: weight})
	if b.group, err = t.cgroups.Create(t.driver.options.Owner, b.ID, b.limited); err != nil {
		return -1, err
	}
	undo.Add(b.group.Close)
	if err := b.guardMemory(undo); err != nil {
		return -1, err
	}
	if err := b.makeLink(undo); err != nil {
		return -1, err
	}
	if err := b.makeFolder(undo); err != nil {
		return -1, err
	}
	size := t.base.Tmp
	if !t.driver.has(TmpLimit) {
		size = unlimitedTmp
	}
	v, err := t.volumes.New(ctx, size)
	if err != nil {
		return -1, err
	}
	undo.Add(func() error { v.Empty(); return v.Close() })
	return v.Mount()
}

// makeFolder makes the box's folder; one that exists is another box's.
func (b *box) makeFolder(undo *cleanup.Stack) error {
	if err := stage.Folders(b.template.driver.home()); err != nil {
		return err
	}
	if err := os.Mkdir(string(b.folder), 0o700); err != nil {
		return err
	}
	undo.Add(func() error { return stage.RemoveTree(string(b.folder)) })
	paths := []string{b.folder.state(), b.folder.tmp(), b.folder.door()}
	for i := range hostroot.Targets() {
		paths = append(paths, b.folder.code(i))
	}
	if err := stage.Folders(paths...); err != nil {
		return err
	}
	return b.writeSpec()
}

// limits leaves off what is taken away.
func (b *box) limits(l cgroup.Limits) cgroup.Limits {
	if !b.template.driver.has(MemoryLimit) {
		l.Memory = 0
	}
	return l
}

// start mounts what is the box's and starts runsc, on the stage.
func (b *box) start(ctx context.Context, tmp int, undo *cleanup.Stack) error {
	conn, theirs, err := stream.ConnPair(unix.SOCK_SEQPACKET)
	if err != nil {
		return err
	}
	defer func() { _ = theirs.Close() }()
	said, err := b.said.Open()
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	defer func() { _ = said.Close() }()
	undo.Add(b.said.Close)
	undo.Add(func() error { return b.template.stage.Do(context.Background(), b.unmount) })
	err = b.template.stage.Do(ctx, func() error {
		if err := b.mount(tmp); err != nil {
			return err
		}
		b.runsc, err = b.spawn(said, theirs)
		return err
	})
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	b.conn, b.Control = conn, agent.NewControl(agent.Socket(conn), b.Exited)
	return nil
}

// mount shows /tmp and the box's folder, which is shared: what is mounted in it later is seen
// where runsc mounts it.
func (b *box) mount(tmp int) error {
	if err := mount.Attach(tmp, b.folder.tmp()); err != nil {
		return err
	}
	if err := mount.Bind(b.folder.share(), b.folder.share(), mount.NoSUID|mount.NoDev|mount.NoExec, false); err != nil {
		return err
	}
	if err := unix.Mount("", b.folder.share(), "", unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("sharing the box's folder: %w", err)
	}
	return nil
}

func (b *box) unmount() error {
	paths := []string{b.folder.tmp(), b.folder.share()}
	for i := range hostroot.Targets() {
		paths = append(paths, b.folder.code(i))
	}
	return stage.Unmount(paths...)
}

// spawn starts runsc in the box's group.
func (b *box) spawn(said, control *os.File) (*os.Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = null.Close() }()
	// What the daemon itself had inherited, runsc must not.
	if err := unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("close_range", err)
	}
	sys := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	sys.CgroupFD, sys.UseCgroupFD = b.group.CloneFD()
	var p *os.Process
	err = stage.Within(b.template.cgroups, b.group, func() (err error) {
		p, err = os.StartProcess(b.template.runsc, b.runscArgs(), &os.ProcAttr{
			Dir: "/", Env: []string{}, Files: []*os.File{null, said, said, control}, Sys: sys,
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("starting runsc: %w", err)
	}
	return p, nil
}
