package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func fakeHost(t *testing.T, f *fakeTree) *Host {
	t.Helper()
	h, err := openTree(f, f.root)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestV2CreateHandsControllersDownAndSetsLimits(t *testing.T) {
	f := newFake(t, "cpuset", cpu, "io", memory, pids)
	h := fakeHost(t, f)
	if h.Layout() != "v2" {
		t.Fatalf("layout %s, want v2", h.Layout())
	}
	g, err := h.Create("owner", "id", Limits{Memory: 128 << 20, Pids: 64, CPUWeight: 250, CPUQuota: 1.5})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(f.root, "lambent", "owner", "id")
	got := map[string]string{}
	for _, file := range []string{"memory.max", "memory.swap.max", "memory.oom.group", "pids.max", "cpu.weight", "cpu.max"} {
		got[file] = f.get(dir, file)
	}
	want := map[string]string{
		"memory.max": "134217728", "memory.swap.max": "0", "memory.oom.group": "0", "pids.max": "64", "cpu.weight": "250", "cpu.max": "150000 100000",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
	if sub := f.get(dir, "cgroup.subtree_control"); sub != "" {
		t.Errorf("the group itself hands down %q: processes could not live in it", sub)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if err := h.Reap(func(string) bool { return false }); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(f.root, "lambent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the top folder after Reap: %v, want not exist", err)
	}
}

func TestV2LimitsAreLifted(t *testing.T) {
	f := newFake(t, cpu, memory, pids)
	g, err := fakeHost(t, f).Create("owner", "id", Limits{Memory: 64 << 20, Pids: 3, CPUQuota: 0.001})
	if err != nil {
		t.Fatal(err)
	}
	dir := g.dirs[0]
	if got := f.get(dir, "cpu.max"); got != "1000 100000" {
		t.Errorf("cpu.max = %q, want the smallest quota 1000", got)
	}
	if err := g.SetLimits(Limits{}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"memory.max": "max", "memory.swap.max": "max", "pids.max": "max", "cpu.max": "max 100000", "cpu.weight": "100"} {
		if got := f.history[filepath.Join(dir, file)]; got != want {
			t.Errorf("%s = %q, want %q", file, got, want)
		}
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

func TestV2OlderKernels(t *testing.T) {
	f := newFake(t, memory, pids)
	f.lacks = []string{"memory.peak", "memory.swap.max", "memory.oom.group", "cgroup.kill"}
	g, err := fakeHost(t, f).Create("owner", "id", Limits{Memory: 64 << 20, Pids: 3})
	if err != nil {
		t.Fatal(err)
	}
	u, err := g.Usage()
	if err != nil || u.MemoryPeak != 1<<20 {
		t.Errorf("usage %+v, %v: want what is in use as the peak", u, err)
	}
	if err := errors.Join(g.Kill(), g.Close()); err != nil {
		t.Error(err)
	}
}

func TestV2Usage(t *testing.T) {
	ms := time.Millisecond
	all := Usage{
		Memory: 1 << 20, MemoryPeak: 4 << 20, CPU: 1500 * time.Microsecond, OOMKills: 2,
		Throttled: known(250 * time.Microsecond), Waiting: known(41 * ms), MemoryStall: known(2 * ms), IOStall: known(3 * ms),
		Faults: known[int64](70), MajorFaults: known[int64](3), ReadBytes: known[int64](5096), WrittenBytes: known[int64](8192),
	}
	noPressure, noIO, noCPU := all, all, all
	noPressure.Waiting, noPressure.MemoryStall, noPressure.IOStall = Counter[time.Duration]{}, Counter[time.Duration]{}, Counter[time.Duration]{}
	noIO.ReadBytes, noIO.WrittenBytes = Counter[int64]{}, Counter[int64]{}
	noCPU.Throttled = Counter[time.Duration]{}
	for name, c := range map[string]struct {
		controllers []string
		change      func(*fakeTree)
		want        Usage
	}{
		"all":        {[]string{cpu, memory, pids, blockIO}, func(*fakeTree) {}, all},
		"no io":      {[]string{cpu, memory, pids}, func(*fakeTree) {}, noIO},
		"no quotas":  {[]string{memory, pids, blockIO}, func(*fakeTree) {}, noCPU},
		"psi=0":      {[]string{cpu, memory, pids, blockIO}, func(f *fakeTree) { f.noPressure = true }, noPressure},
		"before psi": {[]string{cpu, memory, pids, blockIO}, func(f *fakeTree) { f.lacksPressure() }, noPressure},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, c.controllers...)
			c.change(f)
			g, err := fakeHost(t, f).Create("owner", "id", Limits{Memory: 64 << 20, Pids: 3})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				u, err := g.Usage()
				u.HostWaiting = Counter[time.Duration]{} // the real host's
				if diff := cmp.Diff(c.want, u); err != nil || diff != "" {
					t.Errorf("%v (-want +got):\n%s", err, diff)
				}
			}
			if err := g.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func (f *fakeTree) lacksPressure() {
	f.lacks = append(f.lacks, "cpu.pressure", "memory.pressure", "io.pressure")
}

// TestV2Classes holds what is really written when a group changes its class.
func TestV2Classes(t *testing.T) {
	f := newFake(t, cpu, memory, pids, blockIO)
	g, err := fakeHost(t, f).Create("owner", "id", Limits{Memory: 64 << 20, Pids: 3, CPUWeight: 1600})
	if err != nil {
		t.Fatal(err)
	}
	dir := g.dirs[0]
	for _, step := range []struct {
		batch, ahead bool
		cpu, blocks  string
	}{
		{false, false, "1600", "100"},
		{true, false, "16", "10"},
		{true, false, "16", "10"},
		{true, true, "16", "10"},
		{false, true, "10000", "100"},
		{false, false, "1600", "100"},
	} {
		if err := errors.Join(g.SetBatch(step.batch), g.SetAhead(step.ahead)); err != nil {
			t.Fatal(err)
		}
		if c, b := f.get(dir, "cpu.weight"), f.get(dir, "io.weight"); c != step.cpu || b != step.blocks {
			t.Errorf("%+v: cpu.weight %s, io.weight %s", step, c, b)
		}
	}
	if err := g.SetLimits(Limits{Memory: 64 << 20, Pids: 3, CPUWeight: 20, Batch: true}); err != nil {
		t.Fatal(err)
	}
	if c := f.get(dir, "cpu.weight"); c != "1" {
		t.Errorf("cpu.weight %s, want the least that there is", c)
	}
	clear(f.history)
	if err := errors.Join(g.SetBatch(true), g.SetAhead(false)); err != nil || len(f.history) != 0 {
		t.Errorf("a class that stays: %v, written %v", err, f.history)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

func TestV2FreezeWaitsUntilFrozen(t *testing.T) {
	f := newFake(t, memory, pids)
	g, err := fakeHost(t, f).Create("owner", "id", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Freeze(); err != nil {
		t.Fatal(err)
	}
	if got := f.get(g.dirs[0], "cgroup.events"); !strings.Contains(got, "frozen 1") {
		t.Errorf("Freeze returned while events say %q", got)
	}
	if err := g.Thaw(); err != nil {
		t.Fatal(err)
	}
	if got := f.get(g.dirs[0], "cgroup.freeze"); got != "0" {
		t.Errorf("cgroup.freeze = %q after Thaw", got)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

func TestV2ReapKillsAndWaits(t *testing.T) {
	f := newFake(t, memory, pids)
	g, err := fakeHost(t, f).Create("dead", "id", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f.put(g.dirs[0], map[string]string{"cgroup.procs": "4194303\n"})
	if err := fakeHost(t, f).Reap(func(string) bool { return false }); err != nil {
		t.Fatal(err)
	}
	if f.history[filepath.Join(g.dirs[0], "cgroup.kill")] != "1" {
		t.Error("cgroup.kill was not written")
	}
	if _, err := os.Stat(g.dirs[0]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the group after Reap: %v", err)
	}
}

func TestV2WithoutRequiredController(t *testing.T) {
	h := fakeHost(t, newFake(t, cpu, pids))
	if _, err := h.Create("owner", "id", Limits{}); err == nil || !strings.Contains(err.Error(), "memory controller") {
		t.Errorf("Create without memory: %v", err)
	}
	at := slices.IndexFunc(h.Checks(), func(c Check) bool { return c.Name == "cgroup memory controller" })
	if c := h.Checks()[at]; c.OK || !c.Required || c.Fix == "" {
		t.Errorf("check of memory = %+v, want not OK, required, with a fix", c)
	}
}

// A container's root is no kernel root: processes in it forbid handing down.
func TestV2BusyParentSaysWhatToDo(t *testing.T) {
	f := newFake(t, memory, pids)
	h := fakeHost(t, f)
	if _, err := h.Create("owner", "first", Limits{}); err != nil {
		t.Fatal(err)
	}
	f.put(filepath.Join(f.root, "lambent"), map[string]string{"cgroup.procs": "77\n"})
	_, err := h.Create("other", "id", Limits{})
	if !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), "move them") {
		t.Errorf("Create below a group with processes: %v", err)
	}
}

func TestV2CreateIsUndone(t *testing.T) {
	f := newFake(t, memory, pids)
	f.lacks = []string{"pids.max"} // a setting that is not optional fails
	if _, err := fakeHost(t, f).Create("owner", "id", Limits{Pids: 5}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Create = %v, want not exist", err)
	}
	if _, err := os.Stat(filepath.Join(f.root, "lambent", "owner", "id")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the group of a failed Create: %v", err)
	}
}

// TestHybridUsesEachControllerWhereItIs has memory on v2 and pids on v1.
func TestHybridUsesEachControllerWhereItIs(t *testing.T) {
	f := newFake(t, memory)
	root := t.TempDir()
	f.v1 = filepath.Join(root, pids)
	if err := errors.Join(os.Symlink(f.root, filepath.Join(root, "unified")), os.Mkdir(f.v1, 0o755)); err != nil {
		t.Fatal(err)
	}
	f.put(f.v1, map[string]string{"tasks": "1\n", "cgroup.procs": "1\n", "notify_on_release": "0"})
	f.root = filepath.Join(root, "unified")
	h, err := openTree(f, root)
	if err != nil || h.Layout() != "hybrid" {
		t.Fatalf("layout %v, %v", h, err)
	}
	g, err := h.Create("owner", "id", Limits{Memory: 1 << 20, Pids: 9})
	if err != nil {
		t.Fatal(err)
	}
	v1, v2 := filepath.Join(f.v1, "lambent/owner/id"), filepath.Join(f.root, "lambent/owner/id")
	if f.get(v1, "pids.max") != "9" || f.get(v2, "memory.max") != "1048576" {
		t.Errorf("pids.max = %s on v1, memory.max = %s on v2", f.get(v1, "pids.max"), f.get(v2, "memory.max"))
	}
	if _, ok := g.CloneFD(); !ok {
		t.Error("no descriptor for the v2 part")
	}
	doors, err := g.ThreadDoors()
	if err != nil || len(doors) != 1 || doors[0].Name() != filepath.Join(v1, "tasks") {
		t.Errorf("doors of the v1 part: %v, %v", doors, err)
	}
	closeFiles(doors)
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

// realV2 opens a real v2 hierarchy whatever controllers it has: its core, which is
// birth, freezing, killing and removal, needs none.
func realV2(t *testing.T) *Host {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("control groups need root")
	}
	for _, root := range []string{systemRoot, filepath.Join(systemRoot, "unified")} {
		h, err := Open(root)
		if err == nil && h.Layout() == "v2" {
			h.required = nil
			return h
		}
	}
	t.Skip("no cgroup v2 is mounted on this host")
	return nil
}

func TestRealV2Core(t *testing.T) {
	g := newGroup(t, realV2(t), Limits{})
	c := spawn(t, g, "count")
	text, err := g.host.tree.read(filepath.Join(g.dirs[0], "cgroup.procs"))
	if err != nil || !slices.Equal(parsePids(text), []int{c.Process.Pid}) {
		t.Fatalf("group holds %q, %v; want only %d", text, err, c.Process.Pid)
	}
	if err := g.Freeze(); err != nil {
		t.Fatal(err)
	}
	if text, _ := g.host.tree.read(filepath.Join(g.dirs[0], "cgroup.events")); !hasLine(text, "frozen 1") {
		t.Errorf("events after Freeze: %q", text)
	}
	if u, err := g.Usage(); err != nil || u.CPU == 0 {
		t.Errorf("usage %+v, %v: want CPU time", u, err)
	}
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	if got := exitSignal(c.Wait()); got != syscall.SIGKILL {
		t.Errorf("ended with %v, want killed", got)
	}
	if err := spawn(t, g, "burn").Wait(); err != nil {
		t.Errorf("a process started after Freeze and Kill: %v", err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

func TestRealV2Reap(t *testing.T) {
	h := realV2(t)
	owner := testOwner(t, h)
	g, err := h.Create(owner, "lost", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	c := spawn(t, g, "wait")
	if err := h.Reap(func(o string) bool { return o != owner }); err != nil {
		t.Fatal(err)
	}
	if got := exitSignal(c.Wait()); got != syscall.SIGKILL {
		t.Errorf("ended with %v, want killed", got)
	}
	if owners, err := h.below(""); err != nil || slices.Contains(owners, owner) {
		t.Errorf("owners after Reap: %v, %v", owners, err)
	}
}
