package cgroup

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// roomy is enough for a helper that eats 64 MiB, also with the race detector's shadow.
const roomy = 768 << 20

func TestProcessIsBornInsideAndThreadReturns(t *testing.T) {
	h := realHost(t)
	g := newGroup(t, h, Limits{Memory: 64 << 20, Pids: 32})
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := h.tree.read("/proc/thread-self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	c := spawn(t, g, "wait")
	after, _ := h.tree.read("/proc/thread-self/cgroup")
	if before != after {
		t.Errorf("the thread did not return:\n%s\nwas\n%s", after, before)
	}
	for i, dir := range g.dirs {
		text, err := h.tree.read(filepath.Join(dir, "cgroup.procs"))
		if err != nil {
			t.Fatal(err)
		}
		if got := parsePids(text); !slices.Equal(got, []int{c.Process.Pid}) {
			t.Errorf("%s holds %v, want only %d", h.hierarchies[i].mount, got, c.Process.Pid)
		}
	}
}

func TestPidsLimitBites(t *testing.T) {
	g := newGroup(t, realHost(t), Limits{Memory: 256 << 20, Pids: 20})
	c := spawn(t, g, "fork")
	got := c.line(t)
	if !strings.HasPrefix(got, "refused") || !strings.HasSuffix(got, "true") {
		t.Errorf("40 children under a limit of 20: helper said %q, want refused with EAGAIN", got)
	}
	if err := errors.Join(g.Kill(), c.Wait(), g.Close()); exitSignal(err) != 0 && exitSignal(err) != syscall.SIGKILL {
		t.Error(err)
	}
}

func TestMemoryLimitKillsAndIsCounted(t *testing.T) {
	g := newGroup(t, realHost(t), Limits{Memory: 32 << 20, Pids: 32})
	c := spawn(t, g, "eat")
	if got := exitSignal(c.Wait()); got != syscall.SIGKILL {
		t.Errorf("eating 64 MiB of 32 ended with %v, want killed", got)
	}
	u, err := g.Usage()
	if err != nil {
		t.Fatal(err)
	}
	if u.OOMKills != 1 {
		t.Errorf("OOMKills = %d, want 1", u.OOMKills)
	}
	if u.MemoryPeak < 24<<20 || u.MemoryPeak > 33<<20 {
		t.Errorf("MemoryPeak = %d, want close to 32 MiB", u.MemoryPeak)
	}
}

func TestMemoryWithinLimitLives(t *testing.T) {
	g := newGroup(t, realHost(t), Limits{Memory: roomy, Pids: 32})
	if err := spawn(t, g, "eat").Wait(); err != nil {
		t.Errorf("eating 64 MiB of %d: %v", roomy, err)
	}
	if u, err := g.Usage(); err != nil || u.OOMKills != 0 || u.MemoryPeak < 64<<20 {
		t.Errorf("usage %+v, %v: want no kill and a peak of at least 64 MiB", u, err)
	}
}

func TestSetLimitsUpAndDown(t *testing.T) {
	g := newGroup(t, realHost(t), Limits{Memory: 32 << 20, Pids: 32})
	for _, l := range []Limits{{Memory: 256 << 20, Pids: 64, CPUWeight: 700}, {}, {Memory: roomy, Pids: 40, CPUQuota: 1.5}} {
		if err := g.SetLimits(l); err != nil {
			t.Fatalf("SetLimits(%+v): %v", l, err)
		}
	}
	if err := spawn(t, g, "eat").Wait(); err != nil {
		t.Errorf("eating 64 MiB after the limit was raised: %v", err)
	}
}

func TestFreezeStopsProgress(t *testing.T) {
	g := newGroup(t, realHost(t), Limits{Memory: 64 << 20, Pids: 32})
	c := spawn(t, g, "count")
	lines := make(chan string, 1<<16)
	go func() {
		defer close(lines)
		for text, err := c.out.ReadString('\n'); err == nil; text, err = c.out.ReadString('\n') {
			lines <- text
		}
	}()
	<-lines
	for range 2 { // idempotent
		if err := g.Freeze(); err != nil {
			t.Fatal(err)
		}
	}
	if n := progress(lines, 50*time.Millisecond, 150*time.Millisecond); n != 0 {
		t.Errorf("%d lines from a frozen process, want none", n)
	}
	for range 2 {
		if err := g.Thaw(); err != nil {
			t.Fatal(err)
		}
	}
	if n := progress(lines, 50*time.Millisecond, 150*time.Millisecond); n == 0 {
		t.Error("no line after thaw")
	}
}

// progress lets what is on its way arrive, then counts lines for a while.
func progress(lines <-chan string, settle, watch time.Duration) int {
	time.Sleep(settle)
	for len(lines) > 0 {
		<-lines
	}
	time.Sleep(watch)
	return len(lines)
}

func TestUsageCountsCPUAndThrottling(t *testing.T) {
	g := newGroup(t, realHost(t), Limits{Memory: 64 << 20, Pids: 32, CPUQuota: 0.1})
	if err := spawn(t, g, "burn").Wait(); err != nil {
		t.Fatal(err)
	}
	u, err := g.Usage()
	if err != nil {
		t.Fatal(err)
	}
	if u.CPU < 60*time.Millisecond || u.CPU > 2*time.Second {
		t.Errorf("CPU = %v of a process that used 60 ms", u.CPU)
	}
	if u.Throttled.Value < 20*time.Millisecond {
		t.Errorf("Throttled = %v, want at least 20 ms", u.Throttled)
	}
}

// TestUsageCountsWaiting lets four burn where one CPU's worth is allowed to none of them:
// some must wait, and page faults happen in each.
func TestUsageCountsWaitingAndFaults(t *testing.T) {
	h := realHost(t)
	if !h.delays && !measuresPressure(h.tree) {
		t.Skip("this kernel keeps neither run delays nor pressure")
	}
	g := newGroup(t, h, Limits{Memory: roomy, Pids: 64})
	var all []*child
	for range 2*runtime.NumCPU() + 1 {
		all = append(all, spawn(t, g, "spin"))
	}
	u := usageUntil(t, g, func(u Usage) bool { return u.Waiting.Value >= 10*time.Millisecond })
	for _, c := range all {
		if err := c.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if !u.Waiting.Known || u.Waiting.Value < 10*time.Millisecond {
		t.Errorf("Waiting = %+v, with more to do than there are CPUs", u.Waiting)
	}
	if !u.Faults.Known || u.Faults.Value < 100 || u.Faults.Value < u.MajorFaults.Value {
		t.Errorf("Faults = %+v, of them major %+v", u.Faults, u.MajorFaults)
	}
}

// usageUntil reads until something is so, or for a second: the delays of threads that have
// ended are lost.
func usageUntil(t *testing.T, g *Group, so func(Usage) bool) (u Usage) {
	t.Helper()
	for end := time.Now().Add(time.Second); ; time.Sleep(5 * time.Millisecond) {
		var err error
		if u, err = g.Usage(); err != nil {
			t.Fatal(err)
		}
		if so(u) || time.Now().After(end) {
			return u
		}
	}
}

// TestMeterRests holds that idle groups cost no descriptors.
func TestMeterRests(t *testing.T) {
	g := newGroup(t, realHost(t), Limits{Memory: 64 << 20, Pids: 32})
	spawn(t, g, "wait")
	before := descriptors(t)
	if _, err := g.Usage(); err != nil || len(g.meter.open) == 0 {
		t.Fatalf("%d files, %v", len(g.meter.open), err)
	}
	if err := g.Freeze(); err != nil {
		t.Fatal(err)
	}
	if now := descriptors(t); now != before {
		t.Errorf("%d descriptors of a frozen group, %d before it was read", now, before)
	}
	if err := g.Thaw(); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Usage(); err != nil {
		t.Error(err)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// TestRealClasses holds that a class is in the kernel's own files.
func TestRealClasses(t *testing.T) {
	h := realHost(t)
	at, ok := h.where(cpu)
	if !ok || h.hierarchies[at].version != 1 {
		t.Skip("the cpu controller is not on v1: TestV2Classes is for v2")
	}
	g := newGroup(t, h, Limits{Memory: 64 << 20, Pids: 32, CPUWeight: 1600})
	for _, step := range []struct {
		batch, ahead bool
		want         string
	}{{true, false, "164"}, {true, true, "164"}, {false, true, "102400"}, {false, false, "16384"}} {
		if err := cmp.Or(g.SetBatch(step.batch), g.SetAhead(step.ahead)); err != nil {
			t.Fatal(err)
		}
		if got, err := h.tree.read(filepath.Join(g.dirs[at], "cpu.shares")); err != nil || strings.TrimSpace(got) != step.want {
			t.Errorf("%+v: cpu.shares %q, %v", step, got, err)
		}
	}
}

func TestKillEndsFrozenTree(t *testing.T) {
	g := newGroup(t, realHost(t), Limits{Memory: 256 << 20, Pids: 100})
	c := spawn(t, g, "fork")
	if got := c.line(t); got != "all" {
		t.Fatalf("helper said %q, want all 40 children", got)
	}
	if err := g.Freeze(); err != nil {
		t.Fatal(err)
	}
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	if got := exitSignal(c.Wait()); got != syscall.SIGKILL {
		t.Errorf("ended with %v, want killed", got)
	}
	for range 2 { // idempotent
		if err := g.Close(); err != nil {
			t.Errorf("Close after Kill: %v", err)
		}
	}
	if err := g.Kill(); err != nil {
		t.Errorf("Kill after Close: %v", err)
	}
}

func TestKillEndsForkBomb(t *testing.T) {
	g := newGroup(t, realHost(t), Limits{Memory: 256 << 20, Pids: 60, CPUQuota: 0.5})
	c := spawn(t, g, "bomb")
	time.Sleep(150 * time.Millisecond)
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if err := g.Close(); err != nil {
		t.Errorf("Close after Kill of a fork bomb: %v", err)
	}
}

func TestGroupWorksAgainAfterKill(t *testing.T) {
	g := newGroup(t, realHost(t), Limits{Memory: 64 << 20, Pids: 32})
	c := spawn(t, g, "wait")
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if err := spawn(t, g, "burn").Wait(); err != nil {
		t.Errorf("a process started after Kill: %v", err)
	}
}

func TestCloseWithLivingProcessFailsAndCanBeRepeated(t *testing.T) {
	g := newGroup(t, realHost(t), Limits{Memory: 64 << 20, Pids: 32})
	c := spawn(t, g, "wait")
	err := g.host.removeTree(g.dirs[0], time.Now().Add(20*time.Millisecond))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("removing a living group: %v, want deadline exceeded", err)
	}
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

func TestUseAfterClose(t *testing.T) {
	g := newGroup(t, realHost(t), Limits{Memory: 64 << 20, Pids: 32})
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := g.ThreadDoors(); !errors.Is(err, errClosed) {
		t.Errorf("ThreadDoors after Close: %v", err)
	}
	if _, err := g.Usage(); err == nil {
		t.Error("Usage after Close gave no error")
	}
	if err := g.SetLimits(Limits{Pids: 3}); err == nil {
		t.Error("SetLimits after Close gave no error")
	}
}

func TestCreateUndoesAndRefuses(t *testing.T) {
	h := realHost(t)
	owner := testOwner(t, h)
	if _, err := h.Create(owner, "bad-limits", Limits{Memory: -1}); err == nil {
		t.Fatal("a negative limit was taken")
	}
	if left, err := h.below(owner); err != nil || len(left) != 0 {
		t.Errorf("a failed Create left %v, %v", left, err)
	}
	if _, err := h.Create(owner, "twice", Limits{Memory: 32 << 20}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Create(owner, "twice", Limits{}); !errors.Is(err, os.ErrExist) {
		t.Errorf("second Create: %v, want exists", err)
	}
	if left, _ := h.below(owner); !slices.Equal(left, []string{"twice"}) {
		t.Errorf("the refused second Create changed what is there: %v", left)
	}
}

func TestHostileNamesAreRefused(t *testing.T) {
	h := realHost(t)
	for _, name := range []string{"", ".", "..", "../../x", "a/b", "a\x00", "a b", "ä", "a\n", strings.Repeat("a", 65)} {
		if _, err := h.Create(name, "id", Limits{}); err == nil {
			t.Errorf("owner %q was taken", name)
		}
		if _, err := h.Create("test-owner", name, Limits{}); err == nil {
			t.Errorf("id %q was taken", name)
		}
	}
}

func TestReapTakesTheDeadAndSparesTheLiving(t *testing.T) {
	h := realHost(t)
	dead, living := testOwner(t, h), testOwner(t, h)
	lost, err := h.Create(dead, "lost", Limits{Memory: 64 << 20, Pids: 32})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := h.Create(living, "kept", Limits{Memory: 64 << 20, Pids: 32})
	if err != nil {
		t.Fatal(err)
	}
	victim, survivor := spawn(t, lost, "wait"), spawn(t, kept, "wait")
	if err := lost.Freeze(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(systemRoot) // a new run of the daemon knows nothing
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Reap(func(o string) bool { return o != dead }); err != nil {
		t.Fatal(err)
	}
	if got := exitSignal(victim.Wait()); got != syscall.SIGKILL {
		t.Errorf("the dead owner's process: %v, want killed", got)
	}
	if err := survivor.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the living owner's process: %v", err)
	}
	owners, err := h.below("")
	if err != nil || slices.Contains(owners, dead) || !slices.Contains(owners, living) {
		t.Errorf("owners after Reap: %v, %v", owners, err)
	}
	if err := kept.Kill(); err != nil {
		t.Error(err)
	}
	_ = survivor.Wait()
}

// Servers that start at once all find what a dead one has left: each takes away what is there, and
// none fails for what another took.
func TestManyReapAtOnce(t *testing.T) {
	h := realHost(t)
	dead := testOwner(t, h)
	for range 20 {
		for id := range 8 {
			if _, err := h.Create(dead, fmt.Sprint("lost", id), Limits{Memory: 64 << 20, Pids: 32}); err != nil {
				t.Fatal(err)
			}
		}
		var all sync.WaitGroup
		for range 4 {
			server, err := Open(systemRoot)
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				if err := server.Reap(func(o string) bool { return o != dead }); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, one := range h.hierarchies {
			h.forget(one, dead)
		}
	}
}

func TestCreateAfterReapOfItsOwner(t *testing.T) {
	h := realHost(t)
	owner := testOwner(t, h)
	for range 2 {
		if _, err := h.Create(owner, "again", Limits{Memory: 32 << 20}); err != nil {
			t.Fatal(err)
		}
		if err := h.Reap(func(o string) bool { return o != owner }); err != nil {
			t.Fatal(err)
		}
	}
}

func TestChecksOfThisHost(t *testing.T) {
	h := realHost(t)
	for _, c := range h.Checks() {
		if c.OK == (c.Fix != "") || c.Found == "" {
			t.Errorf("check %+v: either it is OK or it says what to do", c)
		}
	}
}

// exitSignal is the signal that ended a process, 0 if none did.
func exitSignal(err error) syscall.Signal {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0
	}
	return exit.Sys().(syscall.WaitStatus).Signal()
}

func BenchmarkCreateClose(b *testing.B) {
	h := realHost(b)
	owner := testOwner(b, h)
	for b.Loop() {
		g, err := h.Create(owner, "bench", Limits{Memory: 128 << 20, Pids: 64, CPUWeight: 100})
		if err != nil {
			b.Fatal(err)
		}
		if err := g.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func enterAndLeave(b *testing.B, g *Group) {
	b.Helper()
	home, err := g.host.Home()
	if err != nil {
		b.Fatal(err)
	}
	doors, err := g.ThreadDoors()
	if err != nil {
		b.Fatal(err)
	}
	pass(b, doors)
	pass(b, home)
}

func BenchmarkEnterLeave(b *testing.B) {
	g := newGroup(b, realHost(b), Limits{Memory: 128 << 20})
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for b.Loop() {
		enterAndLeave(b, g)
	}
}

func BenchmarkEnterLeaveAfterQuiet(b *testing.B) {
	g := newGroup(b, realHost(b), Limits{Memory: 128 << 20})
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var total time.Duration
	for b.Loop() {
		time.Sleep(100 * time.Millisecond)
		start := time.Now()
		enterAndLeave(b, g)
		total += time.Since(start)
	}
	b.ReportMetric(float64(total.Microseconds())/float64(b.N), "µs/pair")
}

// BenchmarkUsage is what one reading of all counters costs, with a process in the group
// that uses some.
func BenchmarkUsage(b *testing.B) { benchmarkReading(b, (*Group).Usage) }

// BenchmarkBrief is what those cost that every invocation reads.
func BenchmarkBrief(b *testing.B) { benchmarkReading(b, (*Group).Brief) }

func benchmarkReading(b *testing.B, read func(*Group) (Usage, error)) {
	b.Helper()
	g := newGroup(b, realHost(b), Limits{Memory: 256 << 20, Pids: 32})
	c := spawn(b, g, "count")
	go func() { _, _ = io.Copy(io.Discard, c.out) }() // ends with the process
	b.ReportAllocs()
	for b.Loop() {
		if _, err := read(g); err != nil {
			b.Fatal(err)
		}
	}
}
