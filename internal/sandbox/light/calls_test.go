package light_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light"
)

// unmade are calls that a process cannot make just so: they do not return, return twice, or
// return to where nobody was. The last two belong to probes that the host sets: the kernel lets
// them past every filter since 6.14 and ends who makes them without.
var unmade = []string{"exit", "exit_group", "pause", "fork", "vfork", "rt_sigreturn", "restart_syscall", "uretprobe", "uprobe"}

// TestSystemCallsOfABox makes every call that has a name, in a box: what the policy allows ends
// as it does without the filter, all else is refused.
func TestSystemCallsOfABox(t *testing.T) {
	allowed, missing, others, err := light.Calls()
	if err != nil {
		t.Fatal(err)
	}
	for _, calls := range []map[int]string{allowed, others} {
		maps.DeleteFunc(calls, func(_ int, name string) bool { return slices.Contains(unmade, name) })
	}
	code := probeFolder(t)
	filtered := make(map[int]string)
	maps.Copy(filtered, allowed)
	maps.Copy(filtered, missing)
	maps.Copy(filtered, others)
	var with, without map[int]string
	t.Run("Filtered", func(t *testing.T) { with = callsIn(t, code, filtered) })
	t.Run("Unfiltered", func(t *testing.T) { without = callsIn(t, code, allowed, light.Seccomp) })
	for number, name := range allowed {
		if with[number] != without[number] {
			t.Errorf("%s ends with %q, and without the filter with %q", name, with[number], without[number])
		}
	}
	for number, name := range missing {
		if with[number] != "ENOSYS" {
			t.Errorf("%s: %q", name, with[number])
		}
	}
	for number, name := range others {
		if with[number] != "EPERM" {
			t.Errorf("%s: %q", name, with[number])
		}
	}
	if len(allowed) < 200 || len(others) < 50 {
		t.Errorf("%d calls are allowed, %d are not", len(allowed), len(others))
	}
}

// callsIn makes calls in a box and returns how each ended.
func callsIn(t *testing.T, code string, calls map[int]string, without ...light.Protection) map[int]string {
	t.Helper()
	w := workload()
	w.Mounts = []sandbox.Mount{{Source: code, Target: "/var/task"}}
	args := []string{"call-all"}
	for number := range calls {
		args = append(args, strconv.Itoa(number))
	}
	got := run(t, newBox(t, w, without...), sandbox.Command{Path: "/var/task/probe", Args: args})
	answers := map[int]string{}
	if err := json.Unmarshal([]byte(got.out), &answers); err != nil {
		t.Fatalf("%v: the probe printed %q, %+v", err, got.out, got.exit)
	}
	return answers
}

// probeFolder is code with the suite's probe in it.
func probeFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "probe"), "lambent.dev/lambent/internal/sandbox/sandboxtest/probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}
