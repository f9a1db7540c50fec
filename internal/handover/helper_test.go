package handover

import (
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// runAs runs TestAnotherUser in a process of another user, and returns its output when it
// has ended. The test's program is copied to where that user can run it.
func runAs(t *testing.T, uid uint32, socket string) <-chan string {
	t.Helper()
	program := socket + ".test"
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^TestAnotherUser$", "-test.v")
	cmd.Dir, cmd.Env = "/", append(os.Environ(), "HANDOVER_SOCKET="+socket)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	output := make(chan string, 1)
	go func() {
		text, _ := cmd.CombinedOutput() // what it says is looked at
		output <- string(text)
	}()
	return output
}

func askAs(t *testing.T, path string) {
	t.Helper()
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	_, _, _, err = Ask(c, here)
	t.Logf("Ask = %v", err)
}
