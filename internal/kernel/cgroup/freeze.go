package cgroup

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// freezeLimit bounds how long Freeze waits for the last process to stop.
const freezeLimit = 2 * time.Second

// errNoFreezer is the answer of a v1 host without the freezer controller.
var errNoFreezer = errors.New("this host has no cgroup freezer controller")

// brake is how one hierarchy stops and releases its processes.
type brake struct {
	file, on, off string
	state, frozen string // the file that tells, and the line in it
}

var (
	// brakeV1 reads FREEZING until all have stopped
	// (Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst).
	brakeV1 = brake{"freezer.state", "FROZEN", "THAWED", "freezer.state", "FROZEN"}
	brakeV2 = brake{"cgroup.freeze", "1", "0", "cgroup.events", "frozen 1"}
)

// brake finds how this host freezes, and the group's folder for it.
func (g *Group) brake() (brake, string, bool) {
	if at, ok := g.host.where(freezer); ok {
		return brakeV1, g.dirs[at], true
	}
	if at, ok := g.host.v2(); ok {
		return brakeV2, g.dirs[at], true
	}
	return brake{}, "", false
}

// Freeze stops all processes of the group and returns when they have stopped; when
// one does not within two seconds the group is thawed again. Idempotent.
func (g *Group) Freeze() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.frozen {
		return nil
	}
	if err := g.freeze(); err != nil {
		return fmt.Errorf("freezing group %s: %w", g.name, errors.Join(err, g.release()))
	}
	g.frozen = true
	g.meter.pause()
	return nil
}

// freeze runs with g.mu held.
func (g *Group) freeze() error {
	b, dir, ok := g.brake()
	if !ok {
		return errNoFreezer
	}
	if err := g.host.tree.write(filepath.Join(dir, b.file), b.on); err != nil {
		return err
	}
	return poll(time.Now().Add(freezeLimit), func() (bool, error) {
		text, err := g.host.tree.read(filepath.Join(dir, b.state))
		return hasLine(text, b.frozen), err
	})
}

// Thaw lets the processes of a frozen group go on. Idempotent.
func (g *Group) Thaw() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.frozen {
		return nil
	}
	if err := g.release(); err != nil {
		return fmt.Errorf("thawing group %s: %w", g.name, err)
	}
	return nil
}

// release runs with g.mu held.
func (g *Group) release() error {
	b, dir, ok := g.brake()
	if !ok {
		return nil
	}
	if err := g.host.tree.write(filepath.Join(dir, b.file), b.off); err != nil {
		return err
	}
	g.frozen = false
	return nil
}

func hasLine(text, want string) bool {
	for line := range strings.Lines(text) {
		if strings.TrimSuffix(line, "\n") == want {
			return true
		}
	}
	return false
}
