package firecracker_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/thread"
	"lambent.dev/lambent/internal/sandbox/microvm/firecracker"
)

// nobody is a user of no files.
const nobody = 986_000_002

func newJail(t *testing.T, base string) *firecracker.Jail {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("it needs root: files get owners")
	}
	program := filepath.Join(t.TempDir(), "firecracker")
	if err := os.WriteFile(program, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(program, link); err != nil {
		t.Fatal(err)
	}
	j, err := firecracker.NewJail(base, link, "box-1", nobody)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// The jailer is given what its manual lists (docs/jailer.md), and finds the folder where it looks.
func TestJailersArguments(t *testing.T) {
	base := t.TempDir()
	j := newJail(t, base)
	defer j.Close()
	program, args := j.Command("/opt/jailer")
	if program != "/bin/sh" || args[3] != "/opt/jailer" {
		t.Fatalf("%s %q", program, args)
	}
	end := slices.Index(args, "--")
	known := []string{"--id", "--exec-file", "--uid", "--gid", "--chroot-base-dir", "--resource-limit"}
	given := make(map[string]string)
	for i := 4; i < end; i += 2 {
		given[args[i]] = args[i+1]
	}
	for name := range given {
		if !slices.Contains(known, name) {
			t.Errorf("the jailer has no argument %s", name)
		}
	}
	user := strconv.Itoa(nobody)
	if given["--uid"] != user || given["--gid"] != user || given["--id"] != "box-1" {
		t.Errorf("given %v", given)
	}
	root := filepath.Join(given["--chroot-base-dir"], filepath.Base(given["--exec-file"]), given["--id"], "root")
	if j.Root().Name() != root {
		t.Errorf("the jail is %s, the jailer's %s", j.Root().Name(), root)
	}
	if !slices.Equal(args[end+1:], []string{"--api-sock", "/" + firecracker.APISocket, "--level", "Warning"}) {
		t.Errorf("Firecracker is given %q", args[end+1:])
	}
}

func TestJailHoldsFilesAndGoes(t *testing.T) {
	base := t.TempDir()
	j := newJail(t, base)
	memory, err := unix.MemfdCreate("x", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	nameless := os.NewFile(uintptr(memory), "x")
	defer nameless.Close()
	if err := j.Link(nameless, "x"); !firecracker.CannotLink(err) {
		t.Errorf("linking what has no name: %v", err)
	}
	made, err := j.Make("x", true)
	if err != nil {
		t.Fatal(err)
	}
	_ = made.Close()
	if _, err := j.Make("x", true); !errors.Is(err, os.ErrExist) {
		t.Errorf("making it again: %v", err)
	}
	if err := errors.Join(j.Remove("x"), j.Close()); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Join(base, "firecracker")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// Firecracker ends with who started it, although the jailer has changed its user on the way,
// which clears the kernel's signal for that.
func TestProgramInAJailEndsWithItsParent(t *testing.T) {
	base := t.TempDir()
	jailer := filepath.Join(base, "jailer")
	// What the jailer does at its end: it becomes another user, and executes the program.
	const script = "#!/bin/sh\nexec setpriv --reuid=986000002 --regid=986000002 --clear-groups sh -c 'echo runs; exec sleep 1000'\n"
	if err := os.WriteFile(jailer, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skip(err)
	}
	j := newJail(t, base)
	defer j.Close()
	program, args := j.Command(jailer)
	cmd := exec.Command(program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Cloneflags: syscall.CLONE_NEWPID, Setsid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	startFromThreadThatEnds(t, cmd, bufio.NewReader(out))
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(time.Minute):
		_ = cmd.Process.Kill()
		t.Fatal("it outlives its parent")
	}
	for end := time.Now().Add(time.Minute); runsAs(t, nobody); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the program outlives the shell")
		}
	}
}

// startFromThreadThatEnds returns when the program runs, and its parent thread is gone.
func startFromThreadThatEnds(t *testing.T, cmd *exec.Cmd, out *bufio.Reader) {
	t.Helper()
	done := make(chan error)
	go thread.Own(func() {
		err := cmd.Start()
		if err == nil {
			_, err = out.ReadString('\n')
		}
		done <- err
	})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// runsAs says whether a process of a user is there.
func runsAs(t *testing.T, user int) bool {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(all, func(path string) bool {
		status, _ := os.ReadFile(path)
		return strings.Contains(string(status), "\nUid:\t"+strconv.Itoa(user)+"\t")
	})
}
