package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// waiter is a process of the program that waits, and the driver's end of its socket.
type waiter struct {
	*exec.Cmd
	socket *os.File
	out    bytes.Buffer
}

func startWaiter(t *testing.T) *waiter {
	t.Helper()
	code := waiterCode()
	if code == nil {
		t.Skip("the program that waits is written for amd64 only")
	}
	program, err := writeProgram(waiterProgram(code))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(program)
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	theirs := os.NewFile(uintptr(ends[1]), "start")
	defer theirs.Close()
	w := &waiter{Cmd: exec.Command(fmt.Sprintf("/proc/self/fd/%d", program)), socket: os.NewFile(uintptr(ends[0]), "driver")}
	w.ExtraFiles, w.Stdout = []*os.File{theirs}, &w.out // number 3
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.socket.Close()
		_ = w.Process.Kill() // it may have ended
		_ = w.Wait()
	})
	return w
}

// tell writes an image in two pieces and returns what is answered until the socket's end.
func (w *waiter) tell(t *testing.T, image []byte) []byte {
	t.Helper()
	half := len(image) / 2
	for _, piece := range [][]byte{image[:half], image[half:]} {
		if _, err := w.socket.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Shutdown(int(w.socket.Fd()), unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(w.socket)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestWaiterExecutesWhatItIsTold(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, args := range [][]string{{"one two", "", "three"}, {long, "é"}} {
		w := startWaiter(t)
		script := `printf '%s\n' "$PWD" "$#" "$@"; env; [ -e /proc/$$/fd/3 ] || echo closed`
		image := initproto.Workload{
			Dir: "/usr", Path: "/bin/sh", Args: append([]string{"sh", "-c", script, "sh"}, args...), Env: []string{"PATH=/usr/bin:/bin", "A=b=c"},
		}.Execution()
		if answer := w.tell(t, image); len(answer) > 0 {
			t.Fatalf("it answered % x", answer)
		}
		if err := w.Wait(); err != nil {
			t.Fatal(err, w.out.String())
		}
		got := w.out.String()
		if want := fmt.Sprintf("/usr\n%d\n%s\n", len(args), strings.Join(args, "\n")); !strings.HasPrefix(got, want) {
			t.Errorf("it printed\n%.300q, not\n%.300q", got, want)
		}
		if !strings.Contains(got, "\nA=b=c\n") || !strings.HasSuffix(got, "\nclosed\n") {
			t.Errorf("it has other variables than it was told, or the socket still: %.300q", got)
		}
	}
}

func TestWaiterSaysWhyNothingWasExecuted(t *testing.T) {
	for want, told := range map[syscall.Errno]initproto.Workload{
		syscall.ENOENT:  {Dir: "/", Path: "/nowhere/bootstrap", Args: []string{"bootstrap"}},
		syscall.ENOTDIR: {Dir: "/bin/sh", Path: "/bin/sh", Args: []string{"sh"}},
		syscall.EACCES:  {Dir: "/", Path: "/etc", Args: []string{"etc"}},
	} {
		answer := startWaiter(t).tell(t, told.Execution())
		if len(answer) != 4 || syscall.Errno(binary.NativeEndian.Uint32(answer)) != want {
			t.Errorf("%+v: answered % x, not %d", told, answer, want)
		}
	}
}

func TestWaiterEndsWithoutAWorkload(t *testing.T) {
	w := startWaiter(t)
	if answer := w.tell(t, nil); len(answer) > 0 {
		t.Errorf("answered % x", answer)
	}
	var exit *exec.ExitError
	if err := w.Wait(); !errors.As(err, &exit) || !exit.Exited() {
		t.Errorf("ended with %v", err)
	}
}

// TestWaiterKnowsItsAddresses compares the numbers in the assembly with those in Go.
func TestWaiterKnowsItsAddresses(t *testing.T) {
	code := waiterCode()
	if code == nil {
		t.Skip("the program that waits is written for amd64 only")
	}
	for _, address := range []uint32{initproto.ExecutionBase, initproto.ExecutionBase + initproto.MaxExecution} {
		if !bytes.Contains(code, binary.LittleEndian.AppendUint32(nil, address)) {
			t.Errorf("%#x is not in the code", address)
		}
	}
}
