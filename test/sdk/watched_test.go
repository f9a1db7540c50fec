package sdk

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// watched are servers of one test, with programs and data that nothing else on the host knows.
// What they leave is told apart from what other tests' servers use at the same time: a test with
// watched servers may run beside others, where watchHost needs the host for itself.
type watched struct {
	t              *testing.T
	programs, data string
	servers        []*daemon
}

func watch(t *testing.T) *watched {
	t.Helper()
	w := &watched{t: t, programs: t.TempDir(), data: t.TempDir()}
	for _, name := range []string{"lambent", "lambent-init", "lambent-agent"} {
		if err := os.Link(filepath.Join(binaries, name), filepath.Join(w.programs, name)); err != nil {
			t.Fatal(err)
		}
	}
	open(t, w.programs)
	return w
}

// up is up on the data of the test.
func (w *watched) up(env ...string) *daemon {
	w.t.Helper()
	return w.note(upFrom(w.t, w.programs, w.data, env...))
}

// upgrade is upgrade, of a server that is watched.
func (w *watched) upgrade(old *daemon, env ...string) *daemon {
	w.t.Helper()
	return w.note(upgrade(w.t, old, env...))
}

func (w *watched) note(d *daemon) *daemon {
	w.servers = append(w.servers, d)
	return d
}

// leftNothing fails the test for everything of its servers' that is there and does not go away.
func (w *watched) leftNothing() {
	w.t.Helper()
	awaitNothingNew(w.t, traces{}, w.look)
}

func (w *watched) look() traces {
	marks, found := []string{w.programs, w.data}, traces{}
	found.processes(marks)
	found.mounts(marks)
	found.loops(marks)
	for _, d := range w.servers {
		found.cgroupsOf(d.PID())
	}
	return found
}

// cgroupsOf notes the cgroups of a server's sandboxes, in v1 and v2 hierarchies.
func (found traces) cgroupsOf(pid int) {
	for _, hierarchy := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/*"} {
		names, _ := filepath.Glob(fmt.Sprintf("%s/lambent/%d-*", hierarchy, pid))
		for _, name := range names {
			found["cgroup "+name] = true
		}
	}
}

// The watch must see what it is there for: a running server with a sandbox, and nothing of
// another's.
func TestWatchSeesItsServersOnly(t *testing.T) {
	t.Parallel()
	needs(t)
	mine, other := watch(t), watch(t)
	d := mine.up()
	deploy(t, d.client(), creation(t, "echo", "app.py", "app.echo"))
	answers(t, d.client(), "echo", `1`, `1`)
	kinds := map[string]bool{}
	for line := range mine.look() {
		kind, _, _ := strings.Cut(line, " ")
		kinds[kind] = true
	}
	for _, kind := range []string{"process", "namespace", "cgroup"} {
		if !kinds[kind] {
			t.Errorf("no %s of a running server was seen: %v", kind, mine.look())
		}
	}
	if seen := other.look(); len(seen) > 0 {
		t.Errorf("seen of another's: %v", seen)
	}
	d.stop()
	mine.leftNothing()
}
