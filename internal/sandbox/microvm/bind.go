package microvm

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/hostroot"
)

// Bind implements sandbox.Sandbox. A box whose monitor or agent was asked in vain is half bound
// and dies.
func (b *box) Bind(ctx context.Context, w sandbox.Workload) error {
	if err := w.Check(hostroot.Targets()); err != nil {
		return b.Named(err)
	}
	if err := b.BeginBind(); err != nil {
		return err
	}
	shown, err := b.imagesOf(ctx, w)
	defer closeFiles(shown.images...)
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		b.Unbound()
		return b.Explain(ctx, fmt.Errorf("binding: %w", err))
	}
	if err := b.bind(ctx, w, shown); err != nil {
		return b.Destroy(b.Explain(ctx, fmt.Errorf("binding: %w", err)))
	}
	b.Bound(w.Env)
	return b.Alive()
}

// shown are the images of a function's folders.
type shown struct {
	images  []*os.File
	targets []string
	drives  []string
}

// imagesOf finds or makes the images. What the base shows already changes nothing.
func (b *box) imagesOf(ctx context.Context, w sandbox.Workload) (s shown, err error) {
	for _, m := range w.Mounts {
		if slices.ContainsFunc(b.template.mounts(), func(had sandbox.Mount) bool { return had == m }) {
			continue
		}
		image, err := b.template.folders.Open(ctx, m.Source)
		if err != nil {
			return s, err
		}
		s.images = append(s.images, image)
		s.targets = append(s.targets, m.Target)
		s.drives = append(s.drives, driveOf(m.Target))
	}
	return s, nil
}

// driveOf is the drive that shows a target.
func driveOf(target string) string {
	return fmt.Sprint("code", slices.Index(hostroot.Targets(), target))
}

// bind puts the images behind the drives, and has the agent mount them.
func (b *box) bind(ctx context.Context, w sandbox.Workload, s shown) error {
	if err := b.link.Restrict(w.Reach); err != nil {
		return err
	}
	b.made.Attach.From = time.Now()
	if err := b.wake(ctx); err != nil {
		return err
	}
	for i, image := range s.images {
		if err := b.machine.attach(ctx, s.drives[i], image); err != nil {
			return err
		}
	}
	new := fresh()
	request := &agentproto.Bind{Targets: s.targets, Names: s.drives, Fresh: &new}
	if b.template.driver.has(PidsLimit) {
		request.Pids = w.Pids
	}
	if b.template.driver.has(MemoryLimit) {
		request.Memory = w.Memory
	}
	if _, err := b.Control.Call(ctx, &agentproto.Request{Bind: request}); err != nil {
		return err
	}
	b.made.Attach.To = time.Now()
	return b.setLimits(w)
}

// setLimits bounds the CPU of the monitor, which is the guest's.
func (b *box) setLimits(w sandbox.Workload) error {
	return b.group.SetLimits(cgroup.Limits{
		Memory: b.template.hardware().memory + monitorOverhead, Pids: monitorPids, CPUWeight: w.CPUWeight, CPUQuota: w.CPUQuota,
		Batch: w.Class == lambda.ClassBatch,
	})
}
