package light

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/hostroot"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// Bind implements sandbox.Sandbox. A box whose init was asked in vain is half bound
// and dies.
func (b *box) Bind(ctx context.Context, w sandbox.Workload) (err error) {
	if err := w.Check(hostroot.Targets()); err != nil {
		return b.named(err)
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := b.beginBind(); err != nil {
		return err
	}
	var mounts detached
	defer mounts.close()
	if err := b.detach(w.Mounts, &mounts); err != nil {
		b.endBind(generic, nil)
		return b.explain(ctx, fmt.Errorf("binding: %w", err))
	}
	request := &initproto.Request{Bind: &initproto.Bind{Targets: mounts.targets}}
	b.attaching.begin(b.control.begin(request, mounts.fds))
	if err := errors.Join(b.setLimits(w), b.link.Restrict(w.Reach)); err != nil { // meanwhile
		return b.destroy(b.explain(ctx, fmt.Errorf("binding: %w", err)))
	}
	b.endBind(isBound, w.Env)
	return b.alive()
}

// attached waits until the init has attached what Bind sent it. Nothing runs before: Run calls
// it, and not Bind, whose caller has more to do meanwhile.
func (b *box) attached(ctx context.Context) error {
	if err := b.attaching.await(ctx); err != nil {
		return b.destroy(b.explain(ctx, fmt.Errorf("%w: binding: %w", sandbox.ErrClosed, err)))
	}
	return nil
}

// answer is a reply of the init that is waited for later, once.
type answer struct {
	mu   sync.Mutex // guards wait
	wait func(context.Context) error
}

func (a *answer) begin(wait func(context.Context) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wait = wait
}

// await returns the error that the init answered, every time; nil where nothing was asked.
func (a *answer) await(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.wait == nil {
		return nil
	}
	err := a.wait(ctx)
	a.wait = func(context.Context) error { return err }
	return err
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

// detach makes mounts, which nobody sees yet, but for those that the box has.
func (b *box) detach(wanted []sandbox.Mount, mounts *detached) error {
	shown := b.has()
	for _, m := range wanted {
		if slices.Contains(shown, m) {
			continue
		}
		fd, err := mount.Clone(m.Source, root{driver: b.template.driver}.attributes()|mount.ReadOnly, false)
		if err != nil {
			return err
		}
		mounts.add(fd, m.Target)
	}
	return nil
}

func (b *box) setLimits(w sandbox.Workload) error {
	l := cgroup.Limits{
		Memory: w.Memory, Pids: w.Pids, CPUWeight: w.CPUWeight, CPUQuota: w.CPUQuota, Batch: w.Class == lambda.ClassBatch,
	}
	b.template.last.Store(&l)
	return b.group.SetLimits(b.limits(l))
}

// has are the mounts of the box's base.
func (b *box) has() []sandbox.Mount {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shown
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
