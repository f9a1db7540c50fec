package seccomp_test

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/caps"
	"lambent.dev/lambent/internal/kernel/seccomp"
)

// inChild is set in a copy of the test that puts itself under a filter.
const inChild = "LAMBENT_TEST_SECCOMP"

// A filter that answers EACCES to getppid and allows all else.
func noGetppid() []byte {
	const load, jumpEqual, ret = 0x20, 0x15, 0x06
	return seccomp.Encode([]seccomp.Instruction{
		{Op: load, K: 0},
		{Op: jumpEqual, Jt: 0, Jf: 1, K: unix.SYS_GETPPID},
		{Op: ret, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)},
		{Op: ret, K: unix.SECCOMP_RET_ALLOW},
	})
}

func TestInstallCoversAllThreads(t *testing.T) {
	if os.Getenv(inChild) != "" {
		underFilter(t)
		return
	}
	child := exec.Command(os.Args[0], "-test.run=TestInstallCoversAllThreads")
	child.Env = append(os.Environ(), inChild+"=1")
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func underFilter(t *testing.T) {
	if err := caps.NoNewPrivileges(); err != nil {
		t.Fatal(err)
	}
	if err := seccomp.Install(noGetppid()); err != nil {
		t.Fatal(err)
	}
	answers := make(chan error)
	for range 8 {
		go func() {
			_, _, errno := unix.Syscall(unix.SYS_GETPPID, 0, 0, 0)
			answers <- errno
		}()
	}
	for range 8 {
		if err := <-answers; !errors.Is(err, unix.EACCES) {
			t.Errorf("getppid under the filter: %v", err)
		}
	}
}

func TestInstallRefusesWhatIsNoProgram(t *testing.T) {
	for _, size := range []int{0, 7, 8 * 4097} {
		if err := seccomp.Install(make([]byte, size)); err == nil {
			t.Errorf("%d bytes were taken", size)
		}
	}
}
