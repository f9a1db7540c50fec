package cgroup

import (
	"bytes"
	"path/filepath"
	"strconv"
	"time"
)

// maxThreads bounds of how many threads of a group the delays are read.
const maxThreads = 128

// delays knows how long the threads of a group waited for a CPU, where no pressure of the
// group is kept: by the scheduler's run delay of each thread (Documentation/scheduler/
// sched-stats.rst, /proc/<pid>/schedstat). Between two readings something waited for at
// least as long as the thread that waited longest; total is the sum of these.
type delays struct {
	list    file // of threads; nil before the first reading and while the meter rests
	threads map[int]*thread
	total   time.Duration
}

// thread is one of them.
type thread struct {
	file file // nil while the meter rests
	last time.Duration
	seen bool // in the latest list
}

// read adds what was waited since the last reading. Not known: the kernel keeps no delays.
func (d *delays) read(g *Group, buf []byte) Counter[time.Duration] {
	if !d.open(g) {
		return Counter[time.Duration]{}
	}
	n, err := d.list.readAt(buf)
	if err != nil {
		return Counter[time.Duration]{}
	}
	d.look(g.host.tree, buf[:n])
	var longest time.Duration
	for tid, t := range d.threads {
		if !t.seen {
			t.close()
			delete(d.threads, tid)
			continue
		}
		longest = max(longest, t.read())
	}
	d.total += longest
	return known(d.total)
}

func (d *delays) open(g *Group) bool {
	if d.list == nil {
		d.list = openList(g)
	}
	return d.list != nil
}

// openList opens the file that lists a group's threads; nil if there is none.
func openList(g *Group) file {
	for at, one := range g.host.hierarchies {
		name := "tasks"
		if one.version == 2 {
			name = "cgroup.threads"
		}
		if f, err := g.host.tree.open(filepath.Join(g.dirs[at], name)); err == nil {
			return f
		}
	}
	return nil
}

// look opens the threads of a list that are new, and marks all of it.
func (d *delays) look(t tree, list []byte) {
	if d.threads == nil {
		d.threads = map[int]*thread{}
	}
	for _, one := range d.threads {
		one.seen = false
	}
	for line := range bytes.Lines(list) {
		if tid, err := number(line); err == nil && tid > 0 {
			d.mark(t, int(tid))
		}
	}
}

func (d *delays) mark(t tree, tid int) {
	one := d.threads[tid]
	if one == nil {
		if len(d.threads) >= maxThreads {
			return
		}
		one = &thread{}
		d.threads[tid] = one
	}
	one.seen = true
	if one.file == nil {
		if f, err := t.open("/proc/" + strconv.Itoa(tid) + "/schedstat"); err == nil {
			one.file = f
		}
	}
}

// read is how long the thread waited since it was read last. A number that fell belongs to
// another thread that got the same id.
func (t *thread) read() time.Duration {
	var buf [64]byte
	if t.file == nil {
		return 0
	}
	n, err := t.file.readAt(buf[:])
	if err != nil {
		return 0 // it has just ended
	}
	now, ok := runDelay(buf[:n])
	if !ok {
		return 0
	}
	waited := now - t.last
	if waited < 0 {
		waited = now
	}
	t.last = now
	return waited
}

// runDelay reads the second of three numbers, in nanoseconds.
func runDelay(text []byte) (time.Duration, bool) {
	_, rest, _ := bytes.Cut(text, []byte(" "))
	field, _, ok := bytes.Cut(rest, []byte(" "))
	n, err := number(field)
	return time.Duration(n), ok && err == nil
}

func (t *thread) close() {
	if t.file != nil {
		t.file.close()
		t.file = nil
	}
}

// rest closes the files and keeps what they said.
func (d *delays) rest() {
	if d.list != nil {
		d.list.close()
		d.list = nil
	}
	for _, t := range d.threads {
		t.close()
	}
}

// keepsDelays says whether the kernel keeps run delays at all: with CONFIG_SCHEDSTATS or
// CONFIG_TASK_DELAY_ACCT. Without, it writes zeros, also for the count of runs.
func keepsDelays(t tree) bool {
	text, err := t.read("/proc/self/schedstat")
	return err == nil && text != "0 0 0\n"
}
