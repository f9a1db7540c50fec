package light

import (
	"context"
	"errors"
	"fmt"

	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

var _ sandbox.Fitter = (*template)(nil)

// errMisfit is the answer to a sandbox that Fit does not take.
var errMisfit = errors.New("it is not one of the template's bare base")

// Bare implements sandbox.Fitter. What a template shows and what waits in its boxes makes no
// difference to how they are isolated; all else of a base stays, also whom it trusts.
func (t *template) Bare() sandbox.Base {
	b := t.base
	b.Preload = ""
	return b
}

// Fit implements sandbox.Fitter.
func (t *template) Fit(ctx context.Context, s sandbox.Sandbox) error {
	b, ok := s.(*box)
	if !ok || b.template.driver != t.driver || b.template.base != t.Bare() || len(b.has()) > 0 {
		return fmt.Errorf("fitting a sandbox: %w", errMisfit)
	}
	if !t.users.Enter() {
		return fmt.Errorf("fitting sandbox %s: the template: %w", b.id, sandbox.ErrClosed)
	}
	if err := errors.Join(context.Cause(ctx), b.beginBind()); err != nil {
		return errors.Join(err, t.users.Leave())
	}
	err := b.fit(ctx, t)
	b.endBind(generic, nil)
	if err != nil {
		err = b.explain(ctx, fmt.Errorf("fitting: %w", err))
	}
	return errors.Join(err, b.alive(), t.users.Leave())
}

// fit shows what the template's boxes have besides and starts what waits in them meanwhile.
// From here on somebody waits: the box has the share of CPU of those that run.
func (b *box) fit(ctx context.Context, t *template) error {
	var mounts detached
	defer mounts.close()
	if err := b.detach(t.shown(), &mounts); err != nil {
		return err
	}
	attached := func() error { return nil }
	if len(mounts.fds) > 0 {
		request := &initproto.Request{Attach: &initproto.Attach{Targets: mounts.targets}}
		attached = b.control.begin(ctx, request, mounts.fds)
	}
	hurried := b.group.SetLimits(b.limits(cgroup.Limits{Memory: genericMemory, Pids: genericPids}))
	furnished := b.furnish(ctx, t, false, attached)
	b.mu.Lock()
	b.shown = t.shown()
	b.mu.Unlock()
	return errors.Join(hurried, furnished)
}
