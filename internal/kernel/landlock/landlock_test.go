package landlock_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"lambent.dev/lambent/internal/kernel/caps"
	"lambent.dev/lambent/internal/kernel/landlock"
)

func TestAllowWrites(t *testing.T) {
	if !landlock.Usable() {
		t.Skipf("this kernel has Landlock version %d", landlock.Version())
	}
	open, shut := t.TempDir(), t.TempDir()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the restriction ends with the thread
		err := caps.NoNewPrivileges()
		if err == nil {
			err = landlock.AllowWrites(open, "/dev/null", "/nowhere/at/all")
		}
		if err == nil {
			look(t, open, shut)
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(shut, "later"), nil, 0o600); err != nil {
		t.Errorf("other threads are restricted: %v", err)
	}
}

// look runs on the restricted thread.
func look(t *testing.T, open, shut string) {
	if err := os.WriteFile(filepath.Join(open, "a"), nil, 0o600); err != nil {
		t.Errorf("writing where it is allowed: %v", err)
	}
	if err := os.Mkdir(filepath.Join(open, "b"), 0o700); err != nil {
		t.Errorf("mkdir where it is allowed: %v", err)
	}
	if err := os.Rename(filepath.Join(open, "a"), filepath.Join(open, "b", "a")); err != nil {
		t.Errorf("renaming across folders: %v", err)
	}
	if err := os.WriteFile("/dev/null", []byte("x"), 0); err != nil {
		t.Errorf("writing an allowed device: %v", err)
	}
	for _, name := range []string{filepath.Join(shut, "c"), "/proc/thread-self/oom_score_adj"} {
		if err := os.WriteFile(name, []byte("1000"), 0o600); !errors.Is(err, os.ErrPermission) {
			t.Errorf("writing %s: %v", name, err)
		}
	}
	if _, err := os.ReadDir(shut); err != nil {
		t.Errorf("reading: %v", err)
	}
}
