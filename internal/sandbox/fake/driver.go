package fake

import (
	"context"
	"fmt"
	"sync"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// Driver is the fake driver. Make one with New.
type Driver struct {
	script Script

	mu    sync.Mutex // guards what follows
	seen  map[Op]int
	count Count
	live  map[*Sandbox]struct{}
}

var _ sandbox.Driver = (*Driver)(nil)

// Count says what a driver has made and what of it lives.
type Count struct {
	Templates int // live
	Sandboxes int // live
	Processes int // live
	Listeners int // live
	Streams   int // live
	Frozen    int // live and frozen

	Created int // sandboxes, over the driver's life
	Bound   int
	Runs    int
	Resets  int
	Closed  int // sandboxes
	Handled int // events
}

// Idle reports whether nothing lives except templates.
func (c Count) Idle() bool {
	return c.Sandboxes == 0 && c.Processes == 0 && c.Listeners == 0 && c.Streams == 0 && c.Frozen == 0
}

// New makes a driver that follows the script.
func New(s Script) *Driver {
	if s.Tier == 0 {
		s.Tier = lambda.TierLight
	}
	return &Driver{script: s, seen: map[Op]int{}, live: map[*Sandbox]struct{}{}}
}

// Count returns what was made and what lives.
func (d *Driver) Count() Count {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

// Boxes returns the live sandboxes in no order.
func (d *Driver) Boxes() []*Sandbox {
	d.mu.Lock()
	defer d.mu.Unlock()
	boxes := make([]*Sandbox, 0, len(d.live))
	for b := range d.live {
		boxes = append(boxes, b)
	}
	return boxes
}

// Probe implements sandbox.Driver.
func (d *Driver) Probe(context.Context) (sandbox.Features, error) {
	return sandbox.Features{Tier: d.script.Tier, LateBind: true, Freeze: !d.script.NoFreeze}, nil
}

// Prepare implements sandbox.Driver.
func (d *Driver) Prepare(ctx context.Context, b sandbox.Base) (sandbox.Template, error) {
	if err := d.strikeCall(ctx, Prepare, nil); err != nil {
		return nil, err
	}
	d.update(func(c *Count) { c.Templates++ })
	return &Template{driver: d, Base: b}, nil
}

// Reap implements sandbox.Driver. Nothing of a fake outlives its program.
func (d *Driver) Reap(context.Context, func(string) bool) error { return nil }

// Template is a prepared base.
type Template struct {
	Base   sandbox.Base
	driver *Driver

	mu     sync.Mutex // guards closed
	closed bool
}

// Create implements sandbox.Template.
func (t *Template) Create(ctx context.Context, id string) (sandbox.Sandbox, error) {
	if t.isClosed() {
		return nil, fmt.Errorf("creating %s: template: %w", id, sandbox.ErrClosed)
	}
	if err := t.driver.strikeCall(ctx, Create, nil); err != nil {
		return nil, err
	}
	box := newSandbox(t.driver, id)
	if t.driver.script.NoFreeze {
		return struct{ sandbox.Sandbox }{box}, nil
	}
	return box, nil
}

// Close implements sandbox.Template.
func (t *Template) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.driver.update(func(c *Count) { c.Templates-- })
	}
	t.closed = true
	return nil
}

func (t *Template) isClosed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}

func (d *Driver) update(f func(*Count)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(&d.count)
}

// strike counts an occurrence of op and returns the faults that it meets.
func (d *Driver) strike(op Op) []Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen[op]++
	var met []Fault
	for _, f := range d.script.Faults {
		if f.At == op && (f.Nth == 0 || f.Nth == d.seen[op]) {
			met = append(met, f)
		}
	}
	return met
}

// strikeCall plays the faults of a call of the contract. box is nil before Create.
func (d *Driver) strikeCall(ctx context.Context, op Op, box *Sandbox) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	for _, f := range d.strike(op) {
		if err := box.wait(ctx, f.Wait); err != nil {
			return err
		}
		if f.KillBox != nil && box != nil {
			box.die(f.KillBox)
			return box.gone()
		}
		if f.Err != nil {
			return f.Err
		}
	}
	return nil
}

// wait passes d, less when ctx ends or the box does.
func (b *Sandbox) wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	var done <-chan struct{}
	if b != nil {
		done = b.done
	}
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-done:
		return b.gone()
	}
}
