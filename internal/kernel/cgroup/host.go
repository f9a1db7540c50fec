package cgroup

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
)

// top is the folder in every hierarchy that holds everything of ours.
const top = "lambent"

// Host is the control groups of this machine. Its methods may be called from many
// goroutines.
type Host struct {
	tree        tree
	hierarchies []hierarchy // those that carry a controller of ours
	layout      string
	delays      bool     // the kernel keeps run delays
	required    []string // controllers without which Create refuses
	shelf       *shelf   // of the groups' counters

	mu    sync.Mutex      // protects ready
	ready map[string]bool // owners' folders that are made and have their controllers
}

// Open finds the layout below a mount root such as "/sys/fs/cgroup". It succeeds
// also where controllers are missing: Checks names them.
func Open(fsRoot string) (*Host, error) { return openTree(kernelTree{}, fsRoot) }

func openTree(t tree, fsRoot string) (*Host, error) {
	found, err := findHierarchies(t, fsRoot)
	if err != nil {
		return nil, fmt.Errorf("opening cgroups: %w", err)
	}
	h := &Host{tree: t, layout: layoutOf(found), delays: keepsDelays(t), required: []string{memory, pids}, shelf: &shelf{room: room()}, ready: make(map[string]bool)}
	h.hierarchies = slices.DeleteFunc(found, func(one hierarchy) bool {
		return len(one.controllers) == 0 && h.layout != "v2"
	})
	return h, nil
}

// hostPressure is how long threads of the whole host waited for a CPU.
const hostPressure = "/proc/pressure/cpu"

// measuresPressure says whether the kernel keeps pressure (accounting/psi.rst). With psi=0
// the file is not there (kernel/sched/psi.c, psi_proc_init).
func measuresPressure(t tree) bool {
	_, err := t.read(hostPressure)
	return err == nil
}

func layoutOf(found []hierarchy) string {
	ofV2 := func(h hierarchy) bool { return h.version == 2 }
	switch {
	case !slices.ContainsFunc(found, ofV2):
		return "v1"
	case len(found) == 1:
		return "v2"
	}
	return "hybrid"
}

// Layout is "v1", "v2" or "hybrid".
func (h *Host) Layout() string { return h.layout }

// where returns the index of the hierarchy that carries a controller.
func (h *Host) where(controller string) (int, bool) {
	at := slices.IndexFunc(h.hierarchies, func(one hierarchy) bool { return one.has(controller) })
	return at, at >= 0
}

// v2 returns the index of the v2 hierarchy, if it is used.
func (h *Host) v2() (int, bool) {
	at := slices.IndexFunc(h.hierarchies, func(one hierarchy) bool { return one.version == 2 })
	return at, at >= 0
}

func (h *Host) ownerDir(one hierarchy, owner string) string {
	return filepath.Join(one.mount, top, owner)
}

// checkName refuses whatever could mean something else in a path or in a log.
func checkName(kind, name string) error {
	if name == "" || len(name) > 64 {
		return fmt.Errorf("%s of a group must have 1 to 64 characters, not %d", kind, len(name))
	}
	for _, c := range []byte(name) {
		ok := c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !ok {
			return fmt.Errorf("%s of a group %q may hold letters, digits and '-' only", kind, name)
		}
	}
	return nil
}
