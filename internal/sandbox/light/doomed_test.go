package light_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light"
)

// doomedVariable makes the test binary a daemon that is killed; it holds the
// folder, init and owner, separated by '|'.
const doomedVariable = "LAMBENT_TEST_DOOMED"

// doomed makes a busy box, says so and waits for its end.
func doomed() int {
	ctx := context.Background()
	parts := strings.Split(os.Getenv(doomedVariable), "|")
	s, err := busyBox(ctx, light.Options{Dir: parts[0], Init: parts[1], Owner: parts[2]})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("busy")
	<-s.Done()
	return 0
}

func busyBox(ctx context.Context, o light.Options) (sandbox.Sandbox, error) {
	d, err := light.New(o)
	if err != nil {
		return nil, err
	}
	tmpl, err := d.Prepare(ctx, base())
	if err != nil {
		return nil, err
	}
	s, err := tmpl.Create(ctx, "doomed")
	if err != nil {
		return nil, err
	}
	if err := s.Bind(ctx, workload()); err != nil {
		return nil, err
	}
	const script = "echo x > /tmp/x; trap '' TERM HUP INT; (setsid sleep 300 &); sleep 4242"
	_, err = s.Run(ctx, sandbox.Command{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin"}})
	return s, err
}

func TestKillOfTheDaemonLeavesOnlyCgroups(t *testing.T) {
	d := newDriver(t)
	before := hostState(t)
	daemon := exec.Command(os.Args[0])
	daemon.Env = append(os.Environ(), doomedVariable+"="+t.TempDir()+"|"+initBinary+"|test-doomed")
	out, err := daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 200)
	n, _ := out.Read(said)
	if string(said[:n]) != "busy\n" {
		t.Errorf("the daemon said %q", said[:n])
	}
	waitFor(t, func() bool { return hostState(t).processes > before.processes }) // or the test would prove nothing
	_ = daemon.Process.Signal(syscall.SIGKILL)
	_ = daemon.Wait()
	waitFor(t, func() bool { return hostState(t) == before })
	dead := func(owner string) bool { return owner != "test-doomed" }
	if err := d.Reap(t.Context(), dead); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob("/sys/fs/cgroup/*/lambent/test-doomed"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// state counts what could be left on the host.
type state struct{ processes, mounts, loops int }

func hostState(t testing.TB) state {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return state{processes: sleepers(), mounts: strings.Count(string(mounts), "\n"), loops: loops()}
}

// sleepers counts processes that only a doomed box runs.
func sleepers() int {
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	count := 0
	for _, name := range commands {
		text, _ := os.ReadFile(name)
		if strings.HasPrefix(string(text), "sleep\x004242\x00") {
			count++
		}
	}
	return count
}

// loops counts devices whose image lies in a folder of this test.
func loops() int {
	files, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	count := 0
	for _, name := range files {
		text, _ := os.ReadFile(name)
		if strings.Contains(string(text), "TestKillOfTheDaemonLeavesOnlyCgroups") {
			count++
		}
	}
	return count
}
