package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The controllers that a sandbox needs or can use.
const (
	memory  = "memory"
	pids    = "pids"
	cpu     = "cpu"
	cpuacct = "cpuacct" // v1 only: v2 counts in cpu.stat without a controller
	blockIO = "io"      // v2 only: on v1 its weights need the BFQ scheduler, and it counts nothing (Linux 6.10)
	freezer = "freezer" // v1 only: v2 freezes without a controller
)

// version is the version of a hierarchy's interface: 1 or 2.
type version int

// hierarchy is one mounted cgroup file system.
type hierarchy struct {
	version     version
	mount       string
	controllers []string // those of ours that live on it
}

func (h hierarchy) has(controller string) bool { return slices.Contains(h.controllers, controller) }

// findHierarchies looks at what is mounted at and directly below root, by the
// conventions of systemd and cgroupfs-mount: v2 at root itself, or v1 in folders
// named after their controllers with v2 in the folder "unified".
func findHierarchies(t tree, root string) ([]hierarchy, error) {
	if v2, err := findV2(t, root); err == nil {
		return []hierarchy{v2}, nil
	}
	found, err := findV1(t, root)
	if err != nil {
		return nil, err
	}
	unified, err := findV2(t, filepath.Join(root, "unified"))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	} else if err == nil {
		found = append(found, unified)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no cgroup file system at %s: mount one, as with mount -t cgroup2 none %s", root, root)
	}
	return found, err
}

func findV2(t tree, mount string) (hierarchy, error) {
	list, err := t.read(filepath.Join(mount, "cgroup.controllers"))
	if err != nil {
		return hierarchy{}, err
	}
	ours := slices.DeleteFunc(strings.Fields(list), func(name string) bool {
		return name != memory && name != pids && name != cpu && name != blockIO
	})
	return hierarchy{version: 2, mount: mount, controllers: ours}, nil
}

func findV1(t tree, root string) ([]hierarchy, error) {
	var found []hierarchy
	for _, controller := range []string{memory, pids, cpu, cpuacct, freezer} {
		mount, err := findV1Mount(t, root, controller)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(found, func(h hierarchy) bool { return h.mount == mount })
		if at < 0 {
			at = len(found)
			found = append(found, hierarchy{version: 1, mount: mount})
		}
		found[at].controllers = append(found[at].controllers, controller)
	}
	return found, nil
}

// findV1Mount returns the folder of one controller: "cpu" may be a folder, or a
// link to "cpu,cpuacct", or missing where only "cpu,cpuacct" is there.
func findV1Mount(t tree, root, controller string) (string, error) {
	for _, name := range []string{controller, "cpu,cpuacct", "cpuacct,cpu"} {
		if !slices.Contains(strings.Split(name, ","), controller) {
			continue
		}
		mount, err := filepath.EvalSymlinks(filepath.Join(root, name))
		if err != nil {
			continue
		}
		if _, err := t.read(filepath.Join(mount, "tasks")); err == nil {
			return mount, nil
		}
	}
	return "", fmt.Errorf("v1 controller %s: %w", controller, os.ErrNotExist)
}
