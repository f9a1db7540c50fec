package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"lambent.dev/lambent/internal/handover"
)

// predecessorPoll is how late the end of an earlier server may be seen.
const predecessorPoll = 200 * time.Millisecond

// predecessors are the servers that have handed over and still finish what they had. They
// own what they have taken from the queue and made on the host.
type predecessors struct {
	// mu guards lives.
	mu    sync.Mutex
	lives []handover.Life
}

// living lists those that have not been found dead.
func (p *predecessors) living() []handover.Life {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.lives)
}

func (p *predecessors) set(lives []handover.Life) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lives = lives
}

// inherit clears up after the predecessors as they end: whatever ended them, nothing that
// they had accepted is lost. It returns when the last has, or with ctx.
func (d *Daemon) inherit(ctx context.Context) {
	tick := time.NewTicker(predecessorPoll)
	defer tick.Stop()
	for ctx.Err() == nil && len(d.predecessors.living()) > 0 {
		if err := d.inheritDead(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("clearing up after an earlier server; trying again", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

func (d *Daemon) inheritDead(ctx context.Context) error {
	known := d.predecessors.living()
	alive := slices.DeleteFunc(slices.Clone(known), func(l handover.Life) bool { return !Alive(l.Owner) })
	if len(alive) == len(known) {
		return nil
	}
	var epochs []int64
	for _, l := range alive {
		epochs = append(epochs, l.Epoch)
	}
	if err := errors.Join(d.recoverEvents(ctx, epochs...), d.reap(ctx)); err != nil {
		return err
	}
	d.predecessors.set(alive)
	return nil
}

// reap removes what dead servers left on the host.
func (d *Daemon) reap(ctx context.Context) error {
	if err := d.parts.drivers.Reap(ctx, Alive); err != nil {
		return err
	}
	return reapFolders(filepath.Join(d.cfg.Data, "drivers"))
}

// reapFolders removes the folders that drivers of dead servers had: DIR/DRIVER/OWNER.
func reapFolders(dir string) error {
	found, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	for _, folder := range found {
		if !Alive(filepath.Base(folder)) {
			err = errors.Join(err, os.RemoveAll(folder))
		}
	}
	if err != nil {
		return fmt.Errorf("removing what an earlier server left: %w", err)
	}
	return nil
}

// closeDrivers closes them and removes their folders.
func (d *Daemon) closeDrivers() error {
	err := d.parts.drivers.Close()
	own, globErr := filepath.Glob(filepath.Join(d.cfg.Data, "drivers", "*", d.parts.owner))
	for _, folder := range own {
		err = errors.Join(err, os.RemoveAll(folder))
	}
	return errors.Join(err, globErr)
}
