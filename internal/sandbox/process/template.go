package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/sandbox"
)

type template struct {
	driver *Driver
	tmp    int64 // of its boxes, in bytes
	closed atomic.Bool
}

// maxName is the longest id of a box and name of an owner, in bytes.
const maxName = 64

func validName(s string) bool {
	for _, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxName
}

// Create implements the method of sandbox.Template: a folder, nothing else.
func (t *template) Create(ctx context.Context, id string) (_ sandbox.Sandbox, err error) {
	if t.closed.Load() {
		return nil, fmt.Errorf("creating a box: template: %w", sandbox.ErrClosed)
	}
	if !validName(id) {
		return nil, fmt.Errorf("box id %q: want 1 to 64 letters, digits and '-'", id)
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	var undo cleanup.Stack
	defer undo.Run(&err)
	dir := filepath.Join(t.driver.dir, t.driver.owner, id)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, fmt.Errorf("making the owner's folder: %w", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making a box's folder: %w", err)
	}
	undo.Add(func() error { return os.RemoveAll(dir) })
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o700); err != nil {
		return nil, fmt.Errorf("making a box's /tmp: %w", err)
	}
	undo.Release()
	return newBox(id, dir, t.tmp, t.driver.log), nil
}

// Close implements the method of sandbox.Template. The owner's folder goes with its last box.
func (t *template) Close() error {
	t.closed.Store(true)
	err := os.Remove(filepath.Join(t.driver.dir, t.driver.owner))
	if err == nil || errors.Is(err, os.ErrNotExist) || isNotEmpty(err) {
		return nil
	}
	return fmt.Errorf("removing the owner's folder: %w", err)
}
