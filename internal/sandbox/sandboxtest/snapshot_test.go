package sandboxtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// leakLimit is how long a planted leak is waited for.
const leakLimit = 10 * time.Millisecond

// expectFound checks that exactly leaks of the given kinds were found.
func expectFound(t *testing.T, leaked []string, want ...kind) {
	t.Helper()
	for _, k := range want {
		found := false
		for _, line := range leaked {
			found = found || strings.HasPrefix(line, string(k)+":")
		}
		if !found {
			t.Errorf("no %s in %q", k, leaked)
		}
	}
}

func TestSnapshotFindsNothingWhereNothingIs(t *testing.T) {
	before := Take(t, t.TempDir())
	if leaked := before.Leaked(settle); len(leaked) > 0 {
		t.Errorf("leaked %q", leaked)
	}
}

func TestSnapshotFindsAProcess(t *testing.T) {
	before := Take(t, "")
	c := exec.Command("/bin/sleep", "60")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() }) // it sleeps
	expectFound(t, before.Leaked(leakLimit), processKind)
}

// TestSnapshotFindsAnOrphan: it is nobody's descendant any more, but bears the mark.
func TestSnapshotFindsAnOrphan(t *testing.T) {
	before := Take(t, "")
	c := exec.Command("/bin/sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!")
	c.Env = append(os.Environ(), "OWNER="+runMark())
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(out), &pid); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) }) // it sleeps
	expectFound(t, before.Leaked(leakLimit), processKind)
}

func TestSnapshotFindsADescriptor(t *testing.T) {
	before := Take(t, "")
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	expectFound(t, before.Leaked(leakLimit), descriptorKind)
	runtime.KeepAlive(f)
}

func TestSnapshotFindsAGoroutine(t *testing.T) {
	before := Take(t, "")
	end := make(chan struct{})
	defer close(end)
	go func() { <-end }()
	expectFound(t, before.Leaked(leakLimit), goroutineKind)
}

func TestSnapshotFindsAFile(t *testing.T) {
	dir := t.TempDir()
	before := Take(t, dir)
	writeFile(t, filepath.Join(dir, "left"), "")
	expectFound(t, before.Leaked(leakLimit), fileKind)
}

func TestSnapshotWaits(t *testing.T) {
	dir := t.TempDir()
	before := Take(t, dir)
	name := filepath.Join(dir, "late")
	writeFile(t, name, "")
	timer := time.AfterFunc(50*time.Millisecond, func() { _ = os.Remove(name) }) // the test fails if not
	defer timer.Stop()
	if leaked := before.Leaked(settle); len(leaked) > 0 {
		t.Errorf("what goes away soon is no leak: %q", leaked)
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("planting this leak needs root")
	}
}

func TestSnapshotFindsAMount(t *testing.T) {
	needRoot(t)
	dir := filepath.Join(t.TempDir(), runMark())
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	before := Take(t, "")
	if err := unix.Mount("none", dir, "tmpfs", 0, ""); err != nil {
		t.Skipf("this host lets nobody mount: %v", err)
	}
	defer func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }() // just mounted
	expectFound(t, before.Leaked(leakLimit), mountKind)
}

// TestSnapshotFindsANamespace keeps a thread in a namespace of its own.
func TestSnapshotFindsANamespace(t *testing.T) {
	needRoot(t)
	before := Take(t, "")
	end, ready := make(chan struct{}), make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		ready <- unix.Unshare(unix.CLONE_NEWUTS)
		<-end
	}()
	defer close(end)
	if err := <-ready; err != nil {
		t.Skipf("this host has no uts namespaces: %v", err)
	}
	expectFound(t, before.Leaked(leakLimit), namespaceKind, goroutineKind)
}

func TestSnapshotFindsACgroup(t *testing.T) {
	needRoot(t)
	before := Take(t, "")
	mounts, err := filepath.Glob("/sys/fs/cgroup/pids")
	if err != nil || len(mounts) == 0 {
		mounts = []string{"/sys/fs/cgroup"}
	}
	group := filepath.Join(mounts[0], "lambent", runMark()+"leak")
	if err := os.MkdirAll(group, 0o755); err != nil {
		t.Skipf("this host lets nobody make a cgroup: %v", err)
	}
	defer func() { _ = os.Remove(group) }() // just made
	expectFound(t, before.Leaked(leakLimit), cgroupKind)
}

func TestSnapshotFindsALoopDevice(t *testing.T) {
	needRoot(t)
	name := filepath.Join(t.TempDir(), runMark()+"image")
	if err := os.WriteFile(name, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	before := Take(t, "")
	device, err := exec.Command("losetup", "--find", "--show", name).Output()
	if err != nil {
		t.Skipf("this host has no loop devices or no losetup: %v", err)
	}
	defer func() { _ = exec.Command("losetup", "--detach", strings.TrimSpace(string(device))).Run() }() // just made
	expectFound(t, before.Leaked(leakLimit), loopKind)
}
