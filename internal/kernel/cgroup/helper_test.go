package cgroup

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

const systemRoot = "/sys/fs/cgroup"

// TestMain makes the test binary its own helper process.
func TestMain(m *testing.M) {
	if job := os.Getenv("CGROUP_TEST_JOB"); job != "" {
		os.Exit(helper(job))
	}
	os.Exit(m.Run())
}

// helper does one job inside a group and prints what the test needs to see.
func helper(job string) int {
	fmt.Println("ready")
	switch job {
	case "wait":
		time.Sleep(time.Minute)
	case "count": // prints a growing number for as long as it runs
		for i := 0; ; i++ {
			fmt.Println(i)
			time.Sleep(time.Millisecond)
		}
	case "burn":
		burn(60 * time.Millisecond)
	case "spin":
		burn(300 * time.Millisecond)
	case "eat": // touches 64 MiB
		block := make([]byte, 64<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		runtime.KeepAlive(block)
	case "cache": // has 16 MiB of a file in the page cache, and says so
		return cacheFile(16 << 20)
	case "bomb": // forks for ever; the shell's children outlive it
		_ = exec.Command("/bin/sh", "-c", "b() { while :; do sleep 0.01 & done; }; b 2>/dev/null & b 2>/dev/null & wait").Run()
	case "fork": // tries to have 40 children
		return forkMany(40)
	}
	return 0
}

func cacheFile(size int) int {
	f, err := os.CreateTemp("", "cgroup-cache-")
	if err != nil {
		return 1
	}
	defer f.Close()
	_ = os.Remove(f.Name())
	if _, err := f.Write(make([]byte, size)); err != nil || f.Sync() != nil { // dirty pages cannot be dropped
		return 1
	}
	fmt.Println("cached")
	time.Sleep(time.Minute)
	return 0
}

// burn uses an amount of CPU time, however long that takes.
func burn(amount time.Duration) {
	var used syscall.Rusage
	for time.Duration(used.Utime.Nano()) < amount {
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
			return
		}
		for range 1 << 16 {
			runtime.KeepAlive(used)
		}
	}
}

func forkMany(n int) int {
	for i := range n {
		cmd := exec.Command("/bin/sleep", "30")
		if err := cmd.Start(); err != nil {
			fmt.Println("refused", i, strings.Contains(err.Error(), syscall.EAGAIN.Error()))
			return 0
		}
	}
	fmt.Println("all")
	time.Sleep(time.Minute)
	return 0
}

// child is a helper process that was born in a group.
type child struct {
	*exec.Cmd
	out *bufio.Reader
}

func (c *child) line(t testing.TB) string {
	t.Helper()
	text, err := c.out.ReadString('\n')
	if err != nil && err != io.EOF {
		t.Fatalf("reading the helper's output: %v", err)
	}
	return strings.TrimSpace(text)
}

// spawn starts a helper the way drivers do: by Enter and by CloneFD.
func spawn(t testing.TB, g *Group, job string) *child {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	// No signals of Go's own: one that meets a process at its limit may end it, see Hold.
	cmd.Env = append(os.Environ(), "CGROUP_TEST_JOB="+job, "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1")
	if fd, ok := g.CloneFD(); ok {
		cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	inside(t, g, func() error { return cmd.Start() })
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	c := &child{cmd, bufio.NewReader(out)}
	if got := c.line(t); got != "ready" {
		t.Fatalf("helper said %q, want ready", got)
	}
	return c
}

func inside(t testing.TB, g *Group, do func() error) {
	t.Helper()
	runtime.LockOSThread()
	home, err := g.host.Home()
	if err != nil {
		t.Fatal(err)
	}
	doors, err := g.ThreadDoors()
	if err != nil {
		t.Fatal(err)
	}
	pass(t, doors)
	err = do()
	pass(t, home)
	runtime.UnlockOSThread()
	if err != nil {
		t.Fatal(err)
	}
}

// pass moves the calling thread through doors and closes them.
func pass(t testing.TB, doors []*os.File) {
	t.Helper()
	for _, door := range doors {
		if _, err := door.WriteString("0"); err != nil {
			t.Fatal(err)
		}
	}
	closeFiles(doors)
}

// realHost opens this machine's groups, which takes root and v1 or v2 controllers.
func realHost(t testing.TB) *Host {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("control groups need root")
	}
	h, err := Open(systemRoot)
	if err != nil {
		t.Skipf("this host has no control groups: %v", err)
	}
	if err := h.checkRequired(); err != nil {
		t.Skip(err)
	}
	return h
}

// testOwner is an owner that no other run uses; all of it is gone after the test.
func testOwner(t testing.TB, h *Host) string {
	owner := fmt.Sprintf("test-%d-%d", os.Getpid(), time.Now().UnixNano())
	t.Cleanup(func() {
		if err := h.Reap(func(o string) bool { return o != owner }); err != nil {
			t.Errorf("reaping the test's groups: %v", err)
		}
	})
	return owner
}

func newGroup(t testing.TB, h *Host, l Limits) *Group {
	t.Helper()
	g, err := h.Create(testOwner(t, h), "one", l)
	if err != nil {
		t.Fatal(err)
	}
	return g
}
