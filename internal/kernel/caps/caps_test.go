package caps_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/caps"
)

// inChild is set in a copy of the test that gives its rights up.
const inChild = "LAMBENT_TEST_CAPS"

// TestRightsAreGone builds this test without cgo: capset on all threads needs that.
func TestRightsAreGone(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root has rights to give up")
	}
	if os.Getenv(inChild) != "" {
		giveUp(t)
		return
	}
	binary := t.TempDir() + "/caps.test"
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	child := exec.Command(binary, "-test.run=TestRightsAreGone")
	child.Env = append(os.Environ(), inChild+"=1")
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func giveUp(t *testing.T) {
	if err := caps.EmptyBounding(); err != nil {
		t.Fatal(err)
	}
	if err := caps.Keep(unix.CAP_KILL); err != nil {
		t.Fatal(err)
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		status, err := os.ReadFile("/proc/self/task/" + thread.Name() + "/status")
		if err != nil {
			continue // it ended
		}
		if !strings.Contains(string(status), "CapEff:\t0000000000000020") {
			t.Errorf("thread %s: %s", thread.Name(), status)
		}
	}
}

// Another effective user takes the effective set away, on that thread; Raise gives it back.
func TestRaise(t *testing.T) {
	if !caps.Has(unix.CAP_KILL) {
		t.Skip("only root has rights to lose")
	}
	failed := make(chan string)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		const keep = ^uintptr(0)
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, keep, 4242, keep); errno != 0 {
			failed <- errno.Error()
			return
		}
		lost := !caps.Has(unix.CAP_KILL)
		err := caps.Raise()
		if !lost || err != nil || !caps.Has(unix.CAP_KILL) {
			failed <- fmt.Sprintf("lost %v, raised %v, has %v", lost, err, caps.Has(unix.CAP_KILL))
			return
		}
		failed <- ""
	}()
	if text := <-failed; text != "" {
		t.Error(text)
	}
}
