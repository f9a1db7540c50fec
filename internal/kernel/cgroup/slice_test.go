package cgroup

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// slicesOf returns the slices of a process's threads, and the niceness of its first.
func slicesOf(t *testing.T, pid int) (found []time.Duration, nice int32) {
	t.Helper()
	threads, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		tid, _ := strconv.Atoi(thread.Name())
		attr, err := unix.SchedGetAttr(tid, 0)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, time.Duration(attr.Runtime))
		if tid == pid {
			nice = attr.Nice
		}
	}
	return found, nice
}

func TestSlice(t *testing.T) {
	g := newGroup(t, realHost(t), Limits{Memory: 256 << 20, Pids: 32})
	c := spawn(t, g, "wait") // a Go program, so it has several threads
	usual, _ := slicesOf(t, c.Process.Pid)
	if usual[0] == 0 {
		t.Skip("this kernel has no slices of threads: Linux 6.12 has")
	}
	if err := unix.Setpriority(unix.PRIO_PROCESS, c.Process.Pid, 5); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ set, want time.Duration }{
		{100 * time.Microsecond, 100 * time.Microsecond}, {0, usual[0]}, {2 * time.Millisecond, 2 * time.Millisecond},
	} {
		if err := g.SetSlice(test.set); err != nil {
			t.Fatal(err)
		}
		found, nice := slicesOf(t, c.Process.Pid)
		if len(found) < 2 || nice != 5 {
			t.Errorf("%d threads, niceness %d", len(found), nice)
		}
		for _, got := range found {
			if got != test.want {
				t.Errorf("set %v, a thread has %v, want %v", test.set, got, test.want)
			}
		}
	}
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if err := g.SetSlice(time.Millisecond); err != nil {
		t.Errorf("of a group in which nothing runs: %v", err)
	}
}
