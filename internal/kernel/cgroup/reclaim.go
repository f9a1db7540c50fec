package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrNoReclaim is the answer of a host whose kernel cannot push a group's pages out.
var ErrNoReclaim = errors.New("this kernel cannot reclaim the memory of a group: v2 has memory.reclaim since Linux 5.19")

// Reclaim pushes out as many of the group's pages as it can: the page cache that it is
// charged for and, where the host has swap, what its processes hold. It takes some
// milliseconds per 10 MiB and does not stop the processes, so they should be frozen: what
// they touch comes back at once. A Thaw, and all else, may run at the same time.
//
// v1 knows memory.force_empty, which reclaims in a loop until nothing is left or nothing
// goes (Documentation/admin-guide/cgroup-v1/memory.rst, 5.1).
func (g *Group) Reclaim() error {
	if err := g.reclaim(); err != nil {
		return fmt.Errorf("reclaiming memory of group %s: %w", g.name, err)
	}
	return nil
}

func (g *Group) reclaim() error {
	at, ok := g.host.where(memory)
	if !ok {
		return ErrNoReclaim
	}
	if dir := g.dirs[at]; g.host.hierarchies[at].version == 2 {
		return g.reclaimV2(dir)
	}
	return g.poke(filepath.Join(g.dirs[at], "memory.force_empty"), "0")
}

// reclaimV2 allows swap for the while: afterwards the group may keep what is there and add
// nothing (memory.swap.max below what is in use, cgroup-v2.rst).
func (g *Group) reclaimV2(dir string) error {
	text, err := g.host.tree.read(filepath.Join(dir, "memory.current"))
	if err != nil {
		return err
	}
	var swap string
	for _, s := range memoryV2(g.limitsNow()) {
		if s.file == "memory.swap.max" {
			swap = s.value
		}
	}
	allow := g.poke(filepath.Join(dir, "memory.swap.max"), "max")
	if allow != nil && !errors.Is(allow, ErrNoReclaim) { // without the file there is no swap
		return allow
	}
	err = g.poke(filepath.Join(dir, "memory.reclaim"), strings.TrimSpace(text))
	if errors.Is(err, unix.EAGAIN) {
		err = nil // less than all could be pushed out
	}
	if allow != nil {
		return err
	}
	return errors.Join(err, g.poke(filepath.Join(dir, "memory.swap.max"), swap))
}

// poke writes a file that an older kernel may lack.
func (g *Group) poke(name, value string) error {
	err := g.host.tree.write(name, value)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNoReclaim
	}
	return err
}

func (g *Group) limitsNow() Limits {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.limits
}
