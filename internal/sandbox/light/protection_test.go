package light_test

import (
	"os"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light"
)

// look is a question to a box, whose answer is "yes" only without the protection.
var look = map[light.Protection]string{
	light.UserNamespace:    `grep -q '4294967295$' /proc/self/uid_map`,
	light.PIDNamespace:     `[ $$ -gt 100 ]`,
	light.NetworkNamespace: `[ $(grep -c : /proc/net/dev) -gt 1 ]`,
	light.IPCNamespace:     `[ "$(readlink /proc/self/ns/ipc)" = "$HOST_IPC" ]`,
	light.UTSNamespace:     `[ "$(uname -n)" != sandbox ]`,
	light.PrivateRoot:      `[ -e /etc/shadow ] && [ -e /root ]`,
	light.ReadOnlyRoot:     `! grep -q ' / / ro,' /proc/self/mountinfo`,
	light.NoSUID:           `grep ' /usr ' /proc/self/mountinfo | grep -qv nosuid`,
	light.PrivateDevices:   `[ -e /dev/loop-control ]`,
	light.PrivateProc:      `[ "$(ls -d /proc/[0-9]* | wc -l)" -gt 20 ]`,
	light.MaskedProc:       `[ -n "$(cat /proc/cmdline)" ]`,
	light.NoCapabilities:   `! grep -q 'CapEff:.0000000000000000' /proc/self/status`,
	light.NoNewPrivileges:  `grep -q 'NoNewPrivs:.0' /proc/self/status`,
	light.Seccomp:          `grep -q 'Seccomp:.0' /proc/self/status`,
	light.Landlock:         `echo 501 > /proc/self/oom_score_adj`,
	light.MemoryLimit:      `perl -e '$x = "x" x (200<<20); $x .= "y"'`,
	light.PidsLimit:        `perl -e 'for (1..40) { $p = fork // exit 1; if (!$p) { sleep 2; exit 0 } }'`,
	light.TmpLimit:         `fallocate -l 600M /tmp/x`,
	light.CloseDescriptors: `[ -e /proc/self/fd/77 ]`,
	light.GuardedInit:      `ls -l /proc/1/fd/`,
	light.Cgroup:           `[ -e /sys/fs/cgroup ]`,
}

// small makes the limits quick to reach.
func small() sandbox.Workload {
	return sandbox.Workload{Name: "small", Memory: 100 << 20, Pids: 30}
}

func TestEveryProtectionIsThereAndCanBeTakenAway(t *testing.T) {
	leak(t)
	hostIPC, err := os.Readlink("/proc/self/ns/ipc")
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=/usr/bin:/bin", "HOST_IPC=" + hostIPC}
	ask := func(t *testing.T, s sandbox.Sandbox, p light.Protection) string {
		script := "if { " + look[p] + "; } >/dev/null 2>&1; then echo yes; else echo no; fi"
		return strings.TrimSpace(run(t, s, sandbox.Command{Path: "/bin/sh", Args: []string{"-c", script}, Env: env}).out)
	}
	for protection := range look {
		t.Run(string(protection), func(t *testing.T) {
			with := newBox(t, small())
			if got := ask(t, with, protection); got == "yes" {
				t.Errorf("with the protection the answer is %q", got)
			}
			closeBox(t, with)
			without := newBox(t, small(), protection)
			if got := ask(t, without, protection); got != "yes" {
				t.Errorf("without the protection the answer is %q", got)
			}
		})
	}
}

// leak opens descriptor 77 without close-on-exec, as a daemon may find one at start.
func leak(t *testing.T) {
	t.Helper()
	f, err := os.Open("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	dup(t, int(f.Fd()), 77)
}
