package cgroup

import (
	"errors"
	"path/filepath"
	"testing"
)

// The page cache that a group is charged for goes, on any host; the process goes on.
func TestReclaimDropsPageCache(t *testing.T) {
	g := newGroup(t, realHost(t), Limits{Memory: roomy, Pids: 32})
	c := spawn(t, g, "cache")
	if got := c.line(t); got != "cached" {
		t.Fatalf("helper said %q", got)
	}
	if err := g.Freeze(); err != nil {
		t.Fatal(err)
	}
	before, err := g.Usage()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Reclaim(); errors.Is(err, ErrNoReclaim) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	after, err := g.Usage()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d KiB before, %d after", before.Memory>>10, after.Memory>>10)
	if before.Memory-after.Memory < 12<<20 {
		t.Errorf("%d bytes before, %d after: a file of 16 MiB was cached", before.Memory, after.Memory)
	}
	if err := g.Thaw(); err != nil {
		t.Fatal(err)
	}
	if c.ProcessState != nil {
		t.Errorf("the process ended: %v", c.ProcessState)
	}
}

// On v2 swap is forbidden but for the while.
func TestV2ReclaimAllowsSwapForTheWhile(t *testing.T) {
	f := newFake(t, cpu, memory, pids)
	g, err := fakeHost(t, f).Create("owner", "id", Limits{Memory: 64 << 20, Pids: 3})
	if err != nil {
		t.Fatal(err)
	}
	dir := g.dirs[0]
	if err := g.Reclaim(); err != nil {
		t.Fatal(err)
	}
	if during, after := f.history[filepath.Join(dir, "swap while reclaiming")], f.history[filepath.Join(dir, "memory.swap.max")]; during != "max" || after != "0" {
		t.Errorf("memory.swap.max was %q and is %q", during, after)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

func TestV2WithoutReclaim(t *testing.T) {
	f := newFake(t, cpu, memory, pids)
	f.lacks = []string{"memory.reclaim"}
	g, err := fakeHost(t, f).Create("owner", "id", Limits{Memory: 64 << 20, Pids: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Reclaim(); !errors.Is(err, ErrNoReclaim) {
		t.Errorf("err = %v", err)
	}
	if swap := f.history[filepath.Join(g.dirs[0], "memory.swap.max")]; swap != "0" {
		t.Errorf("swap stays allowed: %q", swap)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}
