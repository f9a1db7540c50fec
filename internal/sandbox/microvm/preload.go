package microvm

import (
	"context"
	"os"
	"slices"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/hostroot"
	"lambent.dev/lambent/internal/sandbox/output"
	"lambent.dev/lambent/internal/sandbox/stream"
	"lambent.dev/lambent/internal/sandbox/templates"
)

// resolvePreload says what a base's preload is. An interpreter that may not go on more than once
// from one state of its memory is not preloaded, nor is what waits to become any program. Where a
// protection is taken away nothing is: the attack suite is about what the agent executes.
func (d *Driver) resolvePreload(name string) (*sandbox.Preload, error) {
	p, err := templates.Preload(lambda.TierMicroVM, d.options.Preload, len(d.options.Without) > 0, name)
	if p == nil || err != nil {
		return nil, err
	}
	if !p.Copies || p.Command.Path == "" {
		return nil, nil
	}
	return p, sandbox.CheckMounts(p.Mounts, hostroot.Targets())
}

// openPreload opens images of the preload's folders.
func (t *template) openPreload(ctx context.Context, undo *cleanup.Stack) error {
	if t.preload == nil {
		return nil
	}
	t.shown = make(map[string]*os.File)
	for _, m := range t.preload.Mounts {
		image, err := t.folders.Open(ctx, m.Source)
		if err != nil {
			return err
		}
		undo.Add(image.Close)
		t.shown[driveOf(m.Target)] = image
	}
	return nil
}

// mounts are those that the base shows.
func (t *template) mounts() []sandbox.Mount {
	if t.preload == nil {
		return nil
	}
	return t.preload.Mounts
}

// preloadRequest starts what waits.
func (t *template) preloadRequest() *agentproto.Preload {
	c := t.preload.Command
	p := &agentproto.Preload{Run: agentproto.Run{
		ID: agentproto.PreloadID, Path: c.Path, Args: append([]string{c.Path}, c.Args...), Dir: c.Dir, Stream: c.Stream,
		Env: slices.Clone(c.Env),
	}}
	if p.Dir == "" {
		p.Dir = "/"
	}
	if c.Stream {
		p.Env = append(p.Env, stream.Variable(c.Direct, agentproto.StreamFD))
	}
	if c.Direct {
		p.Direct = 1
	}
	if t.preload.Rehearses {
		p.Env = append(p.Env, "LAMBENT_REHEARSE=again")
	}
	for _, m := range t.preload.Mounts {
		p.Targets, p.Names = append(p.Targets, m.Target), append(p.Names, driveOf(m.Target))
	}
	return p
}

// early says whether guests are confined before they are saved: then those that go on are spared
// that. Where protections are taken away each guest is told by itself, from one snapshot.
func (t *template) early() bool { return len(t.driver.options.Without) == 0 }

// ready has a guest that is to be saved confine its commands, and start what waits.
func (b *box) ready(ctx context.Context) error {
	t := b.template
	if !t.early() {
		return nil
	}
	setup := t.setup()
	setup.Guest.Fresh = nil // each that goes on has its own
	if _, err := b.Control.Call(ctx, &agentproto.Request{Setup: setup}); err != nil || t.preload == nil {
		return err
	}
	_, err := b.Control.Call(ctx, &agentproto.Request{Preload: t.preloadRequest()})
	return err
}

// Run implements sandbox.Sandbox. The first command that what waits can become is not executed.
func (b *box) Run(ctx context.Context, c sandbox.Command) (sandbox.Process, error) {
	if b.takeWaiting(c) {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		if p, err := b.Adopt(ctx, c); p != nil || err != nil {
			return p, err
		}
	}
	return b.Box.Run(ctx, c)
}

// takeWaiting says once whether what waits can become a command.
func (b *box) takeWaiting(c sandbox.Command) bool {
	if b.template.preload == nil || !c.Stream || c.Direct != b.template.preload.Command.Direct || !output.Same(c.Stdout, c.Stderr) || b.Usable() != nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.waits
	b.waits = false
	return was
}
