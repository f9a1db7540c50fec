package gvisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/hostroot"
)

// Bind implements sandbox.Sandbox. A box whose agent was asked in vain is half bound and dies.
func (b *box) Bind(ctx context.Context, w sandbox.Workload) error {
	if err := w.Check(hostroot.Targets()); err != nil {
		return b.Named(err)
	}
	if err := b.BeginBind(); err != nil {
		return err
	}
	mounts, err := b.detach(w)
	defer mounts.close()
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		b.Unbound()
		return b.Explain(ctx, fmt.Errorf("binding: %w", err))
	}
	if err := b.bind(ctx, w, mounts); err != nil {
		return b.Destroy(b.Explain(ctx, fmt.Errorf("binding: %w", err)))
	}
	b.Bound(w.Env)
	return b.Alive()
}

// bind mounts the folders where gVisor sees them, and has the agent show them.
func (b *box) bind(ctx context.Context, w sandbox.Workload, mounts detached) error {
	attached := b.template.stage.Do(ctx, func() error { return b.attach(mounts) })
	if err := errors.Join(attached, b.setLimits(w), b.link.Restrict(w.Reach)); err != nil {
		return err
	}
	request := &agentproto.Bind{Targets: mounts.targets, Pids: w.Pids}
	for i := range mounts.fds {
		request.Names = append(request.Names, strconv.Itoa(i))
	}
	if !b.template.driver.has(PidsLimit) {
		request.Pids = 0
	}
	_, err := b.Control.Call(ctx, &agentproto.Request{Bind: request})
	return err
}

func (b *box) attach(mounts detached) error {
	for i, fd := range mounts.fds {
		if err := mount.Attach(fd, b.folder.code(i)); err != nil {
			return err
		}
	}
	return nil
}

func (b *box) setLimits(w sandbox.Workload) error {
	return b.setGroup(b.limits(cgroup.Limits{
		Memory: w.Memory + overhead, Pids: ownPids + pidsOfOne*w.Pids, CPUWeight: w.CPUWeight, CPUQuota: w.CPUQuota,
		Batch: w.Class == lambda.ClassBatch,
	}))
}

// detached are mounts on their way into a box.
type detached struct {
	fds     []int
	targets []string
}

// detach makes the workload's mounts, which nobody sees yet. What the base shows is there.
func (b *box) detach(w sandbox.Workload) (mounts detached, err error) {
	attributes := b.template.attributes() | mount.ReadOnly
	for _, m := range w.Mounts {
		if slices.Contains(b.template.shown(), m) {
			continue
		}
		fd, err := mount.Clone(m.Source, attributes, false)
		if err != nil {
			return mounts, err
		}
		mounts.fds = append(mounts.fds, fd)
		mounts.targets = append(mounts.targets, m.Target)
	}
	return mounts, nil
}

func (d detached) close() {
	for _, fd := range d.fds {
		_ = unix.Close(fd)
	}
}
