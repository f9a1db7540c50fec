package light

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/kernel/volume"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// targets are where a workload may show its folders.
var targets = []string{"/var/task", "/opt", "/var/runtime", "/var/lang"}

// unlimitedTmp stands for a /tmp without its limit, in bytes.
const unlimitedTmp = 8 << 30

// Bind implements sandbox.Sandbox. A box whose init was asked in vain is half bound
// and dies.
func (b *box) Bind(ctx context.Context, w sandbox.Workload) (err error) {
	if err := checkWorkload(w); err != nil {
		return b.named(err)
	}
	if err := b.beginBind(); err != nil {
		return err
	}
	var mounts detached
	defer mounts.close()
	if err := b.readyBind(ctx, w, &mounts); err != nil {
		b.endBind(generic, nil)
		return b.explain(ctx, fmt.Errorf("binding: %w", err))
	}
	request := &initproto.Request{Bind: &initproto.Bind{Targets: mounts.targets}}
	if err := b.control.call(ctx, request, mounts.fds); err != nil {
		err = b.explain(ctx, fmt.Errorf("binding: %w", err))
		return b.destroy(err)
	}
	b.endBind(isBound, w.Env)
	return b.alive()
}

func checkWorkload(w sandbox.Workload) error {
	if w.Memory <= 0 || w.Pids <= 0 || w.Tmp <= 0 {
		return fmt.Errorf("a workload needs limits: memory %d, pids %d, tmp %d", w.Memory, w.Pids, w.Tmp)
	}
	var seen []string
	for _, m := range w.Mounts {
		if !filepath.IsAbs(m.Source) || !slices.Contains(targets, m.Target) || slices.Contains(seen, m.Target) {
			return fmt.Errorf("mount %s at %s: a folder of the host may be shown once at each of %v", m.Source, m.Target, targets)
		}
		seen = append(seen, m.Target)
	}
	return nil
}

func (b *box) beginBind() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.aliveLocked(); err != nil {
		return err
	}
	if b.state != generic {
		return fmt.Errorf("sandbox %s: %w", b.id, sandbox.ErrBound)
	}
	b.state = binds
	return nil
}

func (b *box) endBind(s binding, env []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state, b.env = s, slices.Clone(env)
}

// readyBind does the host's part: mounts that nobody sees yet, and limits.
func (b *box) readyBind(ctx context.Context, w sandbox.Workload, mounts *detached) error {
	for _, m := range w.Mounts {
		fd, err := mount.Clone(m.Source, root{driver: b.template.driver}.attributes()|mount.ReadOnly, false)
		if err != nil {
			return err
		}
		mounts.add(fd, m.Target)
	}
	if err := b.addTmp(ctx, w.Tmp, mounts); err != nil {
		return err
	}
	return b.group.SetLimits(b.limits(cgroup.Limits{
		Memory: w.Memory, Pids: w.Pids, CPUWeight: w.CPUWeight, CPUQuota: w.CPUQuota, Batch: w.Class == lambda.ClassBatch,
	}))
}

// addTmp gives the box its /tmp, which lives as long as the box.
func (b *box) addTmp(ctx context.Context, size int64, mounts *detached) error {
	if !b.template.driver.has(TmpLimit) {
		size = unlimitedTmp
	}
	made, err := b.takeTmp(ctx, size)
	if err != nil {
		return err
	}
	mounts.add(made.mount, "/tmp")
	if err := b.keepTmp(made.volume); err != nil {
		return errors.Join(err, made.volume.Close())
	}
	return nil
}

func (b *box) takeTmp(ctx context.Context, size int64) (tmp, error) {
	if size == commonTmp {
		return b.template.ahead.tmps.take(ctx)
	}
	return makeTmp(ctx, b.template.ahead.volumes, size)
}

// keepTmp hands the volume to the box, unless that is dead: then nobody would close
// it. A volume of a Bind that failed gives way.
func (b *box) keepTmp(v *volume.Volume) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.aliveLocked(); err != nil {
		return err
	}
	if b.tmp != nil {
		_ = b.tmp.Close()
	}
	b.tmp = v
	return nil
}

// detached are mounts on their way into a box.
type detached struct {
	fds     []int
	targets []string
}

func (d *detached) add(fd int, target string) {
	d.fds = append(d.fds, fd)
	d.targets = append(d.targets, target)
}

func (d *detached) close() {
	for _, fd := range d.fds {
		_ = unix.Close(fd)
	}
}
