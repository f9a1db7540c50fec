package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// errClosed answers what is asked of a closed group.
var errClosed = errors.New("group is closed")

// Doors opens the files by which a process of one thread enters the group: it writes "0"
// to each. On v1 that waits for nobody; on v2, where a whole process moves, it may wait for
// an RCU grace period. The caller closes them.
func (g *Group) Doors() ([]*os.File, error) { return g.doors(true) }

// ThreadDoors opens those of Doors by which a single thread enters: v1's. On v2 what is
// started is born in the group by CloneFD.
func (g *Group) ThreadDoors() ([]*os.File, error) { return g.doors(false) }

func (g *Group) doors(v2 bool) (_ []*os.File, err error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return nil, errClosed
	}
	var doors []*os.File
	for i, one := range g.host.hierarchies {
		if one.version == 2 && !v2 {
			continue
		}
		door, err := os.OpenFile(one.door(g.dirs[i]), os.O_WRONLY, 0)
		if err != nil {
			closeFiles(doors)
			return nil, fmt.Errorf("opening the doors of group %s: %w", g.name, err)
		}
		doors = append(doors, door)
	}
	return doors, nil
}

// door is the file of a group by which it is entered.
func (h hierarchy) door(dir string) string {
	if h.version == 2 {
		return filepath.Join(dir, "cgroup.procs")
	}
	return filepath.Join(dir, "tasks")
}

// Home opens the doors of the groups on v1 that the calling thread is in.
func (h *Host) Home() (_ []*os.File, err error) {
	homes, err := h.homes()
	if err != nil {
		return nil, err
	}
	var doors []*os.File
	for i, one := range h.hierarchies {
		if one.version != 1 {
			continue
		}
		door, err := os.OpenFile(one.door(homes[i]), os.O_WRONLY, 0)
		if err != nil {
			closeFiles(doors)
			return nil, fmt.Errorf("opening the doors home: %w", err)
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
