package light

import (
	"context"
	"errors"
	"fmt"

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

// fit shows what the template's boxes have besides, and starts what waits in them meanwhile: a
// zygote's child needs the mounts when it is let in. From here on somebody waits: the box has
// the share of CPU of those that run.
func (b *box) fit(ctx context.Context, t *template) error {
	var mounts detached
	defer mounts.close()
	attached, err := b.attach(t.shown(), &mounts)
	if err != nil {
		return err
	}
	hurried := b.group.SetLimits(b.limits(b.template.waitingLimits(0)))
	var failed error
	if t.preloads(false) {
		failed = b.preload(ctx, t, false)
	}
	if err := errors.Join(attached(ctx), hurried); err != nil {
		return err
	}
	b.admit(failed)
	return nil
}

// attach has the init show mounts in a generic box, which attached waits for.
func (b *box) attach(shown []sandbox.Mount, mounts *detached) (attached func(context.Context) error, err error) {
	if err := b.detach(shown, mounts); err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.shown = shown
	b.mu.Unlock()
	if len(shown) == 0 {
		return func(context.Context) error { return nil }, nil
	}
	return b.control.begin(&initproto.Request{Attach: &initproto.Attach{Targets: mounts.targets}}, mounts.fds), nil
}
