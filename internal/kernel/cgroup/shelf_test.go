package cgroup

import (
	"fmt"
	"sync"
	"testing"
)

// TestMetersShareARoom holds that a thousand groups that are read once each do not keep
// their files open, while the one that is read all the time does.
func TestMetersShareARoom(t *testing.T) {
	h := fakeHost(t, newFake(t, cpu, memory, pids, blockIO))
	groups := manyGroups(t, h, 24)
	each := filesOf(t, groups[0])
	h.shelf.room = 8 * each
	warm := groups[0]
	for _, g := range groups[1:] {
		if _, err := g.Usage(); err != nil {
			t.Fatal(err)
		}
		if opened(warm) == 0 {
			t.Fatalf("the files of the group that is read all the time were closed for %s", g.name)
		}
		if _, err := warm.Usage(); err != nil {
			t.Fatal(err)
		}
		if open := sum(groups); open > h.shelf.room {
			t.Fatalf("%d files are open, there is room for %d", open, h.shelf.room)
		}
	}
	if open := sum(groups); open < h.shelf.room {
		t.Errorf("%d files are open after more readings than there is room for, want %d", open, h.shelf.room)
	}
}

// TestMetersGiveBack holds that the descriptors are really gone, threads' too, and that a
// group that gave way counts on where it was.
func TestMetersGiveBack(t *testing.T) {
	h := realHost(t)
	one, other := newGroup(t, h, Limits{Memory: 64 << 20, Pids: 32}), newGroup(t, h, Limits{Memory: 64 << 20, Pids: 32})
	spawn(t, one, "burn")
	before := descriptors(t)
	first, err := one.Usage()
	if err != nil {
		t.Fatal(err)
	}
	h.shelf.room = one.meter.files
	if _, err := other.Usage(); err != nil {
		t.Fatal(err)
	}
	if now := descriptors(t); opened(one) != 0 || now > before+h.shelf.room {
		t.Errorf("%d descriptors, %d of them of the group that was to give way; want %d more than %d at most", now, opened(one), h.shelf.room, before)
	}
	if again, err := one.Usage(); err != nil || again.CPU < first.CPU {
		t.Errorf("after it gave way: %v of CPU time, %v; want %v at least", again.CPU, err, first.CPU)
	}
}

// TestMetersAtOnce reads, freezes and closes groups from many sides: what the shelf counts
// is in the end what is open.
func TestMetersAtOnce(t *testing.T) {
	h := fakeHost(t, newFake(t, cpu, memory, pids, blockIO))
	groups := manyGroups(t, h, 16)
	h.shelf.room = 3 * filesOf(t, groups[0])
	var all sync.WaitGroup
	for i := range 4 * len(groups) {
		all.Go(func() {
			g := groups[i%len(groups)]
			for range 20 {
				if _, err := g.Usage(); err != nil {
					t.Error(err)
				}
				if _, err := g.Brief(); err != nil {
					t.Error(err)
				}
				if i%8 == 0 {
					g.Rest()
				}
			}
		})
	}
	all.Wait()
	if h.shelf.files != sum(groups) {
		t.Errorf("the shelf counts %d files, %d are open", h.shelf.files, sum(groups))
	}
	for _, g := range groups {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
	if h.shelf.files != 0 || h.shelf.meters.Len() != 0 {
		t.Errorf("after all were closed the shelf holds %d files of %d groups", h.shelf.files, h.shelf.meters.Len())
	}
}

func manyGroups(t *testing.T, h *Host, n int) []*Group {
	t.Helper()
	groups := make([]*Group, n)
	for i := range groups {
		g, err := h.Create("owner", fmt.Sprint(i), Limits{Memory: 64 << 20, Pids: 3})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = g.Close() })
		groups[i] = g
	}
	return groups
}

// filesOf reads a group and says how many files that took.
func filesOf(t *testing.T, g *Group) int {
	t.Helper()
	if _, err := g.Usage(); err != nil || opened(g) == 0 {
		t.Fatalf("%d files, %v", opened(g), err)
	}
	return opened(g)
}

// opened counts the files that a group's meter really has open.
func opened(g *Group) int {
	g.meter.mu.Lock()
	defer g.meter.mu.Unlock()
	n := len(g.meter.open)
	for _, one := range g.meter.delays.threads {
		if one.file != nil {
			n++
		}
	}
	return n
}

func sum(groups []*Group) (open int) {
	for _, g := range groups {
		open += opened(g)
	}
	return open
}
