package egresstest

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Variable marks a process that has a network of its own.
const Variable = "LAMBENTTEST_OWN_NETWORK"

// processLimit bounds a test in a process of its own.
const processLimit = 5 * time.Minute

// Inside reports whether this process has a network of its own, made by Outside.
func Inside() bool { return os.Getenv(Variable) != "" }

// Outside runs the calling test again in a process with a network of its own, and reports
// whether that was done: the caller returns then. Call it first.
func Outside(t *testing.T) bool {
	t.Helper()
	if Inside() {
		return false
	}
	if os.Geteuid() != 0 {
		t.Skip("making network namespaces needs root")
	}
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout="+processLimit.String())
	c.Env = append(os.Environ(), Variable+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	switch said := out.String(); {
	case err != nil:
		t.Fatalf("%v\n%s", err, said)
	case strings.Contains(said, "--- SKIP: "+t.Name()):
		t.Skip(said)
	case testing.Verbose():
		t.Log(said)
	}
	return true
}
