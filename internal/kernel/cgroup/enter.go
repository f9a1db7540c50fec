package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lambent.dev/lambent/internal/cleanup"
)

// errClosed answers what is asked of a closed group.
var errClosed = errors.New("group is closed")

// Enter puts the calling thread into the group on every v1 hierarchy, so that what
// it starts is born there; leave puts it back to where it came from. On v2 both do
// nothing: use CloneFD.
//
// The caller holds runtime.LockOSThread until leave has returned nil. When leave
// fails the thread must not be used again: end the goroutine without
// UnlockOSThread, and the thread ends with it. Freeze, Kill and Close wait for
// leave.
func (g *Group) Enter() (leave func() error, err error) {
	g.mu.RLock()
	goHome, err := g.enter()
	if err != nil {
		g.mu.RUnlock()
		return nil, fmt.Errorf("entering group %s: %w", g.name, err)
	}
	return func() error {
		defer g.mu.RUnlock()
		return goHome()
	}, nil
}

// Doors opens the files by which a process of one thread enters the group: it writes "0"
// to each. On v1 that waits for nobody; on v2, where a whole process moves, it may wait for
// an RCU grace period. The caller closes them.
func (g *Group) Doors() (_ []*os.File, err error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return nil, errClosed
	}
	var doors []*os.File
	for i, one := range g.host.hierarchies {
		name := "tasks"
		if one.version == 2 {
			name = "cgroup.procs"
		}
		door, err := os.OpenFile(filepath.Join(g.dirs[i], name), os.O_WRONLY, 0)
		if err != nil {
			closeFiles(doors)
			return nil, fmt.Errorf("opening the doors of group %s: %w", g.name, err)
		}
		doors = append(doors, door)
	}
	return doors, nil
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

func (g *Group) enter() (_ func() error, err error) {
	if g.closed {
		return nil, errClosed
	}
	homes, err := g.host.homes()
	if err != nil {
		return nil, err
	}
	var undo cleanup.Stack
	defer undo.Run(&err)
	for i, one := range g.host.hierarchies {
		if one.version != 1 {
			continue
		}
		undo.Add(func() error { return g.host.join(homes[i]) })
		if err := g.host.join(g.dirs[i]); err != nil {
			return nil, err
		}
	}
	return undo.Release(), nil
}

// join moves the calling thread: "0" means the writer.
func (h *Host) join(dir string) error { return h.tree.write(filepath.Join(dir, "tasks"), "0") }

// homes returns for each v1 hierarchy the folder that the calling thread is in.
func (h *Host) homes() ([]string, error) {
	if h.layout == "v2" {
		return nil, nil
	}
	text, err := kernelTree{}.read("/proc/thread-self/cgroup")
	if err != nil {
		return nil, err
	}
	homes := make([]string, len(h.hierarchies))
	for i, one := range h.hierarchies {
		if one.version == 1 {
			homes[i] = h.home(one, text)
		}
	}
	return homes, nil
}

// home returns a thread's folder on one hierarchy. In a container whose mount
// begins at its own group the path does not exist below the mount: then the mount
// itself is home.
func (h *Host) home(one hierarchy, text string) string {
	path, _ := membership(text, one.controllers[0])
	if path == "" || path == "/" {
		return one.mount
	}
	dir := filepath.Join(one.mount, path)
	if _, err := h.tree.read(filepath.Join(dir, "notify_on_release")); err != nil {
		return one.mount
	}
	return dir
}

// membership finds the path of a controller in the text of /proc/PID/cgroup, whose
// lines are "id:controllers:path" (cgroups(7)). The path may hold colons and never
// leads out of the mount.
func membership(text, controller string) (path string, ok bool) {
	for line := range strings.Lines(text) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(fields) == 3 && slices.Contains(strings.Split(fields[1], ","), controller) {
			return filepath.Join("/", fields[2]), true
		}
	}
	return "", false
}
