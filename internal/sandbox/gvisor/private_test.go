package gvisor_test

import (
	"bytes"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
)

// sh runs a script as a function does, and returns what it printed.
func sh(t *testing.T, box sandbox.Sandbox, script string) string {
	t.Helper()
	var out bytes.Buffer
	p, err := box.Run(t.Context(), sandbox.Command{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin"}, Stdout: &out, Stderr: &out})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	return out.String()
}

// The box's own folder, through which the agent reaches the host, is closed to functions, and
// no path of the host can be read from the list of mounts.
func TestTheDoorIsClosedToFunctions(t *testing.T) {
	box := newBox(t)
	for _, path := range []string{"/.lambent/box", "/.lambent/box/door", "/.lambent/box/door/socket", "/.lambent/box/code"} {
		if said := sh(t, box, "ls -l "+path); !strings.Contains(said, "denied") {
			t.Errorf("ls %s: %q", path, said)
		}
	}
	if said := sh(t, box, "cat /proc/self/mountinfo /proc/mounts"); strings.Contains(said, "gvisor-test") || strings.Contains(said, "boxes") {
		t.Errorf("mounts tell of the host:\n%s", said)
	}
}

// What a shell writes to /dev/stdout comes as what it prints, and in order.
func TestStandardOutputCanBeOpenedAgain(t *testing.T) {
	if said := sh(t, newBox(t), "echo one; echo two >/dev/stdout; echo three >/dev/stderr"); said != "one\ntwo\nthree\n" {
		t.Errorf("printed %q", said)
	}
}

// gVisor is what a function runs on.
func TestKernelIsGVisor(t *testing.T) {
	if said := sh(t, newBox(t), "dmesg | head -1; id -u; hostname"); !strings.Contains(said, "Starting gVisor") || !strings.HasSuffix(said, "993\nsandbox\n") {
		t.Errorf("printed %q", said)
	}
}
