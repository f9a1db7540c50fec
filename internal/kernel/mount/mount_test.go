package mount_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/mount"
)

// private runs f on a thread with a mount namespace of its own, which ends with it.
func private(t *testing.T, f func() error) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with its mounts
		err := mount.Unshare()
		if err == nil {
			err = f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestBindShowsReadOnly(t *testing.T) {
	source, target := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(source, "file"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	private(t, func() error {
		if err := mount.Bind(source, target, mount.ReadOnly|mount.NoSUID, false); err != nil {
			return err
		}
		if _, err := os.ReadFile(filepath.Join(target, "file")); err != nil {
			t.Errorf("reading through the mount: %v", err)
		}
		if err := os.WriteFile(filepath.Join(target, "new"), nil, 0o600); !errors.Is(err, unix.EROFS) {
			t.Errorf("writing through the mount: %v", err)
		}
		return nil
	})
	if names, _ := os.ReadDir(target); len(names) != 0 {
		t.Errorf("the host sees the mount: %v", names)
	}
}

func TestPivotLeavesTheOldRoot(t *testing.T) {
	root := t.TempDir()
	private(t, func() error {
		if err := mount.Tmpfs(root, 0, "size=64k"); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(root, "only"), nil, 0o600); err != nil {
			return err
		}
		if err := mount.Pivot(root); err != nil {
			return err
		}
		names, err := os.ReadDir("/")
		if err != nil || len(names) != 1 || names[0].Name() != "only" {
			t.Errorf("the new root holds %v, %v", names, err)
		}
		if err := mount.Set("/", mount.ReadOnly); err != nil {
			return err
		}
		if err := os.WriteFile("/new", nil, 0o600); !errors.Is(err, unix.EROFS) {
			t.Errorf("writing a read-only root: %v", err)
		}
		return nil
	})
}

// TestSetWaitsForWriters that are about to go: a process that was just forked elsewhere.
func TestSetWaitsForWriters(t *testing.T) {
	root := t.TempDir()
	private(t, func() error {
		if err := mount.Tmpfs(root, 0, "size=64k"); err != nil {
			return err
		}
		f, err := os.Create(filepath.Join(root, "written"))
		if err != nil {
			return err
		}
		time.AfterFunc(50*time.Millisecond, func() { _ = f.Close() })
		return mount.Set(root, mount.ReadOnly)
	})
}

func TestCloneOfNothing(t *testing.T) {
	if _, err := mount.Clone("/nowhere/at/all", 0, false); !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrPermission) {
		t.Errorf("err = %v", err)
	}
}
