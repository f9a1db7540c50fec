package instance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
)

// closeLimit bounds the freeing of a sandbox, and a reset.
const closeLimit = 10 * time.Second

// Launcher starts instances.
type Launcher struct {
	deps        Deps
	aheadBudget *rate.Limiter
}

// NewLauncher returns a launcher. Boxes, Runtimes and Code are required.
func NewLauncher(d Deps) *Launcher {
	if d.InitTimeout <= 0 {
		d.InitTimeout = DefaultInitTimeout
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Launcher{deps: d, aheadBudget: newAheadBudget()}
}

// Start makes an instance and waits until its function is initialised. An error means
// that the platform failed, or that ctx ended; nothing is left then. A function whose
// initialisation failed is an instance that answers its first invocation with that
// failure; one that took too long is initialised again inside its first invocation. For a
// provisioned target both are errors that wrap ErrInit: nothing waits for an answer.
func (l *Launcher) Start(ctx context.Context, t *lambda.Target) (*Instance, error) {
	i, err := l.Prepare(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := i.Initialise(ctx); err != nil {
		return nil, err
	}
	return i, nil
}

// Prepare makes an instance whose runtime has not been started: Initialise does that, or else
// its first Invoke, with the event at hand.
func (l *Launcher) Prepare(ctx context.Context, t *lambda.Target) (_ *Instance, err error) {
	began := time.Now()
	var undo cleanup.Stack
	defer undo.Run(&err)
	i, err := l.build(ctx, t, &undo)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", t.ID.ARN(), err)
	}
	i.timeline.Began, i.timeline.Sandbox = began, time.Since(began)
	i.unborn.Store(true)
	i.beside = l.deps.Neighbours.Join(t.ID.Name, i.cpu)
	undo.Release()
	go i.watch() // ends with the instance
	return i, nil
}

// build makes the bound sandbox and all that stands around it.
func (l *Launcher) build(ctx context.Context, t *lambda.Target, undo *cleanup.Stack) (*Instance, error) {
	launch, err := l.deps.Runtimes.Resolve(&t.Version)
	if err != nil {
		return nil, fmt.Errorf("resolving the runtime: %w", err)
	}
	mounts, err := l.mounts(ctx, &t.Version)
	if err != nil {
		return nil, err
	}
	box, err := l.deps.Boxes.Take(ctx, t.Tier, baseOf(t, launch))
	if err != nil {
		return nil, l.lacking(t.Tier, err)
	}
	i := newInstance(l, t, launch, box)
	i.mounts = append(mounts, launch.Mounts...)
	undo.Add(func() error { return i.end(ctx, errors.New("its start failed")) })
	if err := i.listen(ctx, box, l.deps.CallHome); err != nil {
		return nil, err
	}
	if err := i.showHost(ctx, box); err != nil {
		return nil, err
	}
	if err := i.box.Bind(ctx, i.workload()); err != nil {
		return nil, fmt.Errorf("binding the sandbox: %w", err)
	}
	i.tellMachine()
	i.openLog()
	return i, nil
}

// tellMachine notes how a sandbox with a kernel of its own came to be.
func (i *Instance) tellMachine() {
	m, ok := i.box.(sandbox.Machine)
	if !ok {
		return
	}
	made := m.Made()
	i.emulated = made.Emulated
	i.timeline.Machine = receipt.Machine{Boot: receipt.Span(made.Boot), Resume: receipt.Span(made.Restore), Attach: receipt.Span(made.Attach)}
}

// lacking says so where a sandbox could not be made because the host has lost the tier.
func (l *Launcher) lacking(tier lambda.Tier, cause error) error {
	if l.deps.Offers == nil {
		return cause
	}
	missing := l.deps.Offers(tier)
	if missing == nil {
		return cause
	}
	return lambda.NewError(lambda.ErrService, "This host does not offer the isolation %s any more: %s", tier, missing).WithCause(cause)
}

// mounts unpacks what a version brings: its code, and its layers as one folder.
func (l *Launcher) mounts(ctx context.Context, v *lambda.Version) ([]sandbox.Mount, error) {
	task, err := l.deps.Code(ctx, v.Code.Digest)
	if err != nil {
		return nil, fmt.Errorf("unpacking the code: %w", err)
	}
	mounts := []sandbox.Mount{{Source: l.compiled(v, v.Code.Digest, task), Target: taskRoot}}
	if len(v.Layers) == 0 {
		return mounts, nil
	}
	opt, err := l.deps.Layers(ctx, v.LayerDigests())
	if err != nil {
		return nil, fmt.Errorf("unpacking the layers: %w", err)
	}
	opt = l.compiled(v, lambda.LayersDigest(v.LayerDigests()), opt)
	return append(mounts, sandbox.Mount{Source: opt, Target: layersDir}), nil
}

// compiled is what a version is shown in the place of a folder.
func (l *Launcher) compiled(v *lambda.Version, digest, folder string) string {
	if l.deps.Compiled == nil {
		return folder
	}
	return cmp.Or(l.deps.Compiled(v, digest), folder)
}

// Expect tells whoever makes sandboxes ahead that a target may be invoked. The first call
// for an interpreter runs it, see runtimes.Catalogue.
func (l *Launcher) Expect(t *lambda.Target) error {
	launch, err := l.deps.Runtimes.Resolve(&t.Version)
	if err != nil {
		return fmt.Errorf("resolving the runtime: %w", err)
	}
	l.deps.Boxes.Expect(t.Tier, baseOf(t, launch))
	return nil
}

// baseOf is what of a target must be fixed before its function is known.
func baseOf(t *lambda.Target, launch runtimes.Launch) sandbox.Base {
	base := sandbox.Base{
		Trust: t.ID.Account, Root: sandbox.RootHost, Preload: launch.Preload,
		Tmp: int64(t.Version.TmpSize) << 20, Network: networkOf(t),
	}
	if t.Tier == lambda.TierMicroVM {
		base.Memory = memoryClass(t.Version.MemorySize)
	}
	return apart(base, t, launch)
}

// apart keeps tenants from sharing memory or its layout: nothing forks their interpreters,
// and where a box is restored from a snapshot they have one each. What is left waits without
// anybody's data, and is bound to one instance for ever.
func apart(base sandbox.Base, t *lambda.Target, launch runtimes.Launch) sandbox.Base {
	if t.Version.Tenancy == "" {
		return base
	}
	base.Preload = launch.Alone
	if t.Tier == lambda.TierMicroVM {
		base.Trust += "/" + t.Tenant
	}
	return base
}

// memoryClass rounds up to a power of two, so that few templates serve all sizes; the
// workload's limit is exact.
func memoryClass(size int) int {
	class := lambda.MinMemory
	for class < size {
		class *= 2
	}
	return class
}
