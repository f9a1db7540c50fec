package stage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A folder tree is never removed through a mount: that would delete what is mounted.
func TestRemoveTreeKeepsWhatIsMounted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	code, dir := t.TempDir(), filepath.Join(t.TempDir(), "a tree")
	precious, inside := filepath.Join(code, "precious"), filepath.Join(dir, "code")
	if err := os.WriteFile(precious, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Folders(inside); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(code, inside, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	err := RemoveTree(dir)
	if unmounted := Unmount(inside); unmounted != nil {
		t.Fatal(unmounted)
	}
	if err == nil || !strings.Contains(err.Error(), "something is mounted") {
		t.Errorf("err = %v", err)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
	if err := RemoveTree(dir); err != nil {
		t.Error(err)
	}
}
