package light

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// initEnv keeps the init's Go runtime from reading cgroup files at start (it finds
// none) and from using more than it needs.
// It collects garbage only when it has some: each collector is a thread.
var initEnv = []string{"GODEBUG=containermaxprocs=0,updatemaxprocs=0", "GOMAXPROCS=1"}

// What a box may use before it has a workload, and before another had one: an init and an
// interpreter that wait.
const (
	genericMemory = 256 << 20 // bytes
	genericPids   = 64        // threads
)

// waitingLimits are those of a box that waits. What a workload limits that was bound before, the
// next is likely to limit alike: then Bind has less to write.
func (t *template) waitingLimits(weight uint64) cgroup.Limits {
	l := cgroup.Limits{Memory: genericMemory, Pids: genericPids}
	if last := t.last.Load(); last != nil {
		l.Memory, l.Pids = last.Memory, last.Pids
	}
	l.CPUWeight = weight
	return l
}

// newBox makes a box and waits until its init is ready. What it adds to undo is
// the box's to run at its end.
func (t *template) newBox(ctx context.Context, id string, weight uint64, undo *cleanup.Stack) (*box, error) {
	b := &box{
		id: id, template: t, shown: t.shown(), done: make(chan struct{}),
		processes: make(map[uint64]*process), listeners: make(map[*listener]struct{}),
	}
	tmp, err := b.reserve(ctx, weight, undo)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(tmp) }()
	theirs, err := b.connect()
	if err != nil {
		return nil, err
	}
	err = b.start(theirs)
	_ = theirs.Close()
	if err != nil {
		b.control.close()
		return nil, err
	}
	b.free = undo.Release()
	go b.watch()
	if err := b.finish(ctx, tmp, weight == backgroundWeight); err != nil {
		return nil, b.destroy(err)
	}
	return b, nil
}

// finish has the init finish the box. What waits in it is started meanwhile: a zygote's child
// comes in by itself, and the init works in order. ahead says that nobody waits for the box.
func (b *box) finish(ctx context.Context, tmp int, ahead bool) error {
	t := b.template
	setup := t.setup
	finished := b.control.begin(&initproto.Request{Setup: &setup}, []int{tmp})
	var failed error
	if t.preloads(ahead) {
		failed = b.preload(ctx, t, ahead)
	}
	if err := finished(ctx); err != nil {
		return err
	}
	b.admit(failed)
	return nil
}

// admit lets in what was started, unless that failed: then what is run later is executed.
func (b *box) admit(failed error) {
	if failed == nil {
		failed = b.letIn()
	}
	if failed != nil && b.alive() == nil {
		b.template.driver.options.Log.Warn("an interpreter was not started ahead", "sandbox", b.id, "error", failed)
	}
}

// reserve takes what the box needs of the host, and returns the mount of its /tmp.
func (b *box) reserve(ctx context.Context, weight uint64, undo *cleanup.Stack) (tmp int, err error) {
	t := b.template
	first, release, err := t.driver.ids.take()
	if err != nil {
		return -1, err
	}
	undo.Add(func() error { release(); return nil })
	b.firstID = first
	if err := b.reserveNetwork(ctx, undo); err != nil {
		return -1, err
	}
	limits := b.limits(t.waitingLimits(weight))
	if b.group, err = t.cgroups.Create(t.driver.options.Owner, b.id, limits); err != nil {
		return -1, err
	}
	undo.Add(b.group.Close)
	return b.reserveTmp(ctx, undo)
}

func (b *box) reserveTmp(ctx context.Context, undo *cleanup.Stack) (mount int, err error) {
	size := b.template.base.Tmp
	if !b.template.driver.has(TmpLimit) {
		size = unlimitedTmp
	}
	tmp, err := b.template.ahead.takeTmp(ctx, size)
	if err != nil {
		return -1, err
	}
	undo.Add(func() error { return b.template.ahead.giveBack(tmp.volume, size) })
	return tmp.mount, nil
}

// limits leaves off what is taken away.
func (b *box) limits(l cgroup.Limits) cgroup.Limits {
	if !b.template.driver.has(MemoryLimit) {
		l.Memory = 0
	}
	if !b.template.driver.has(PidsLimit) {
		l.Pids = 0
	}
	return l
}

// connect makes the conversation and returns the init's end.
func (b *box) connect() (theirs *os.File, err error) {
	conn, theirs, err := stream.ConnPair(unix.SOCK_SEQPACKET)
	if err != nil {
		return nil, err
	}
	b.control = newControl(conn, b.exited)
	return theirs, nil
}

// start has the init cloned into its namespaces, network and group.
func (b *box) start(control *os.File) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = null.Close() }()
	t := b.template
	where := place{root: t.root, network: b.network, group: b.group, flags: b.flags(), firstID: b.firstID}
	if t.driver.has(OwnCounts) {
		where.owner = b.firstID
	}
	b.init, err = t.spawner.spawn(where, initproto.Spawn{
		Path: initproto.Path, Args: []string{"lambent-init"}, Env: initEnv,
	}, []*os.File{null, null, null, control})
	if err != nil {
		return fmt.Errorf("starting lambent-init: %w", err)
	}
	return nil
}

// namespaces are the flags that make a box, by the protection that each is.
var namespaces = map[Protection]uintptr{
	UserNamespace: unix.CLONE_NEWUSER,
	PIDNamespace:  unix.CLONE_NEWPID,
	IPCNamespace:  unix.CLONE_NEWIPC,
	UTSNamespace:  unix.CLONE_NEWUTS,
	Cgroup:        unix.CLONE_NEWCGROUP,
}

func (b *box) flags() uintptr {
	flags := uintptr(unix.CLONE_NEWNS)
	for protection, flag := range namespaces {
		if b.template.driver.has(protection) {
			flags |= flag
		}
	}
	return flags
}
