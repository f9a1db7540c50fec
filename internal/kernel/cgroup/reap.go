package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"
)

// Reap kills and removes the groups of owners that are not alive, and their
// folders. It goes on after an error and joins all of them. A daemon that ends
// calls it once more and counts itself among the dead.
func (h *Host) Reap(alive func(owner string) bool) error {
	owners, err := h.below("")
	failed := []error{err}
	for _, owner := range owners {
		if !alive(owner) {
			failed = append(failed, h.reapOwner(owner))
		}
	}
	h.removeTop()
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("reaping groups: %w", err)
	}
	return nil
}

func (h *Host) reapOwner(owner string) error {
	ids, err := h.below(owner)
	failed := []error{err}
	for _, id := range ids {
		g := h.group(owner, id)
		failed = append(failed, g.killForGood(), g.Close())
	}
	for _, one := range h.hierarchies {
		h.forget(one, owner)
		failed = append(failed, h.removeTree(h.ownerDir(one, owner), time.Now().Add(closeLimit)))
	}
	return errors.Join(failed...)
}

// removeTop takes the empty top folders away; where groups live they stay.
func (h *Host) removeTop() {
	for _, one := range h.hierarchies {
		_ = h.tree.rmdir(filepath.Join(one.mount, top))
	}
}

// below lists the folders below lambent/name in all hierarchies together: a crash
// may have left a group in some of them only.
func (h *Host) below(name string) ([]string, error) {
	var all []string
	for _, one := range h.hierarchies {
		names, err := h.tree.folders(h.ownerDir(one, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		all = append(all, names...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
