package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/cleanup"
)

const (
	// closeLimit bounds how long Close waits for processes to leave.
	closeLimit = 5 * time.Second
	// createTries bounds how often Create repeats when a Reap removes parents.
	createTries = 8
)

// Group is one group: a folder in each hierarchy. Its methods may be called from
// many goroutines.
type Group struct {
	host  *Host
	name  string   // owner/id, for errors
	dirs  []string // one for each hierarchy of the host, in its order
	fd    int      // the v2 folder, -1 without one; immutable until Close
	meter meter

	mu      sync.RWMutex // protects the fields below
	limits  Limits
	slice   time.Duration     // of its threads; 0 = the kernel's own
	written map[string]string // file → last value
	frozen  bool
	closed  bool
}

// Create makes the group lambent/owner/id in every hierarchy that is needed and
// sets its limits. Names hold letters, digits and '-', 64 at most. It fails when
// the group exists or the host lacks a required controller; then nothing is left.
func (h *Host) Create(owner, id string, l Limits) (_ *Group, err error) {
	if err := errors.Join(checkName("owner", owner), checkName("id", id), h.checkRequired()); err != nil {
		return nil, err
	}
	g := h.group(owner, id)
	var undo cleanup.Stack
	defer undo.Run(&err)
	for i, one := range h.hierarchies {
		if err := h.makeDir(one, owner, g.dirs[i]); err != nil {
			return nil, fmt.Errorf("creating group %s: %w", g.name, err)
		}
		undo.Add(func() error { return h.tree.rmdir(g.dirs[i]) })
	}
	if err := g.SetLimits(l); err != nil {
		return nil, err
	}
	if err := g.openFD(); err != nil {
		return nil, err
	}
	undo.Release()
	return g, nil
}

// group names a group without touching the host.
func (h *Host) group(owner, id string) *Group {
	g := &Group{host: h, name: owner + "/" + id, fd: -1, written: make(map[string]string)}
	g.meter.group = g
	for _, one := range h.hierarchies {
		g.dirs = append(g.dirs, filepath.Join(h.ownerDir(one, owner), id))
	}
	return g
}

func (h *Host) checkRequired() error {
	for _, controller := range h.required {
		if _, ok := h.where(controller); !ok {
			return fmt.Errorf("this host has no cgroup %s controller in its %s layout", controller, h.layout)
		}
	}
	return nil
}

// makeDir makes a group's folder, and its parents when they are missing. A Reap may
// take them away between two steps, so it tries again.
func (h *Host) makeDir(one hierarchy, owner, dir string) error {
	for range createTries {
		if err := h.makeParents(one, owner); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		err := h.tree.mkdir(dir)
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		h.forget(one, owner)
	}
	return fmt.Errorf("%s: its parents vanish again and again", dir)
}

// makeParents makes lambent and lambent/owner once and, on v2, hands the controllers
// down to them: a controller exists in a folder only if the parent enables it. The
// lock keeps a second Create out of an owner's folder that is not finished.
func (h *Host) makeParents(one hierarchy, owner string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := h.ownerDir(one, owner)
	if h.ready[last] {
		return nil
	}
	for _, dir := range []string{filepath.Dir(last), last} {
		if err := h.enable(one, filepath.Dir(dir)); err != nil {
			return err
		}
		if err := h.tree.mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if err := h.enable(one, last); err != nil {
		return err
	}
	h.ready[last] = true
	return nil
}

// forget makes the next makeParents look again.
func (h *Host) forget(one hierarchy, owner string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.ready, h.ownerDir(one, owner))
}

func (h *Host) enable(one hierarchy, dir string) error {
	if one.version != 2 || len(one.controllers) == 0 {
		return nil
	}
	err := h.tree.write(filepath.Join(dir, "cgroup.subtree_control"), "+"+strings.Join(one.controllers, " +"))
	if errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("%w: processes live in this group itself: move them into a child of it", err)
	}
	return err
}

func (g *Group) openFD() error {
	at, ok := g.host.v2()
	if !ok {
		return nil
	}
	fd, err := open(g.dirs[at], unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("opening group %s: %w", g.name, err)
	}
	g.fd = fd
	return nil
}

// CloneFD returns the descriptor for SysProcAttr.CgroupFD; not ok means that the
// host needs none. It belongs to the group: it is valid until Close.
func (g *Group) CloneFD() (fd int, ok bool) { return g.fd, g.fd >= 0 }

// Close removes the group. It waits a bounded time for processes that are ending;
// it kills none. A second Close is nil.
func (g *Group) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.meter.pause()
	var failed []error
	for _, dir := range g.dirs {
		failed = append(failed, g.host.removeTree(dir, time.Now().Add(closeLimit)))
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("closing group %s: %w", g.name, err)
	}
	if g.fd >= 0 {
		_ = unix.Close(g.fd)
	}
	g.meter.close()
	g.closed = true
	return nil
}

// removeTree removes a folder and those below it, deepest first, retrying while
// the kernel says that processes are leaving. Hardly ever is there anything below: it is
// looked for only when the folder does not go at once.
func (h *Host) removeTree(dir string, deadline time.Time) error {
	if err := h.tree.rmdir(dir); err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	below, err := h.tree.folders(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range below {
		if err := h.removeTree(filepath.Join(dir, name), deadline); err != nil {
			return err
		}
	}
	err = poll(deadline, func() (bool, error) {
		err := h.tree.rmdir(dir)
		if errors.Is(err, unix.EBUSY) {
			return false, nil
		}
		return true, err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("processes still live in %s: %w", dir, err)
	}
	return err
}

// poll calls done until it says so, with growing pauses from 50 µs to 5 ms.
func poll(deadline time.Time, done func() (bool, error)) error {
	for pause := 50 * time.Microsecond; ; pause = min(2*pause, 5*time.Millisecond) {
		if ok, err := done(); ok || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return os.ErrDeadlineExceeded
		}
		time.Sleep(pause)
	}
}
