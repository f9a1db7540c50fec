package cgroup

import (
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// meterBuffer holds the longest of the files, memory.stat: 2 KiB on Linux 6.18 with v2.
const meterBuffer = 8 << 10

// meter reads the counters of a group often: every invocation does. Opening a file costs
// ten times what reading an open one does, so it keeps them open while the host's shelf has
// room.
type meter struct {
	group  *Group
	recent atomic.Bool // it has read open files since the shelf looked: who reads once gets no second chance
	place  place       // on the shelf, which guards it

	mu     sync.Mutex // guards what follows
	open   []openGauge
	files  int // that are open, threads' too
	delays delays
	buffer []byte
	closed bool
}

type openGauge struct {
	gauge
	file file
}

// read takes all that the host counts. A file that this kernel lacks, or counts that are
// switched off (EOPNOTSUPP: psi=0), leave their figures unknown.
func (m *meter) read() (u Usage, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.ready(); err != nil {
		return Usage{}, err
	}
	for _, g := range m.open {
		if err := m.take(g, &u); err != nil {
			return Usage{}, err
		}
	}
	if !u.Waiting.Known && m.group.host.delays {
		u.Waiting = m.delays.read(m.group, m.buffer)
		m.shelve(len(m.open) + len(m.delays.threads))
	}
	return u, nil
}

// brief reads the files that MemoryPeak and CPU come from.
func (m *meter) brief() (u Usage, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.ready(); err != nil {
		return Usage{}, err
	}
	for _, g := range m.open {
		if !g.brief {
			continue
		}
		if err := m.take(g, &u); err != nil {
			return Usage{}, err
		}
	}
	return u, nil
}

// take reads one file. It runs with m.mu held.
func (m *meter) take(g openGauge, u *Usage) error {
	n, err := g.read(m.buffer)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	if err == nil {
		err = g.gauge.take(m.buffer[:n], u)
	}
	if err != nil {
		return &fs.PathError{Op: "read", Path: m.group.path(g.gauge), Err: err}
	}
	return nil
}

func (g openGauge) read(buf []byte) (int, error) {
	if f, ok := g.file.(kernelFile); ok && g.number {
		return f.number(buf)
	}
	return g.file.readAt(buf)
}

// ready opens the files if they are not. It runs with m.mu held.
func (m *meter) ready() error {
	if m.closed {
		return errClosed
	}
	if m.open != nil {
		m.recent.Store(true)
		return nil
	}
	for _, g := range m.group.host.gauges() {
		f, err := m.group.host.tree.open(m.group.path(g))
		if errors.Is(err, fs.ErrNotExist) && (g.at == outside || m.group.exists(g.at)) {
			continue
		}
		if err != nil {
			m.rest()
			return err
		}
		m.open = append(m.open, openGauge{g, f})
	}
	m.buffer = make([]byte, meterBuffer)
	m.shelve(len(m.open))
	return nil
}

// shelve tells the shelf how many files are open, if that changed. It runs with m.mu held.
func (m *meter) shelve(files int) {
	if files != m.files {
		m.files = files
		m.group.host.shelf.put(m, files)
	}
}

// rest closes the files until the next reading. It runs with m.mu held.
func (m *meter) rest() {
	m.shut()
	m.group.host.shelf.put(m, 0)
}

// shut is rest without a word to the shelf. It runs with m.mu held.
func (m *meter) shut() {
	for _, g := range m.open {
		g.file.close()
	}
	m.delays.rest()
	m.open, m.buffer, m.files = nil, nil, 0
}

// Rest closes what Usage keeps open, until the next reading: for groups that are many and
// not read for a while. Freeze does so by itself.
func (g *Group) Rest() { g.meter.pause() }

func (m *meter) pause() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rest()
}

// close ends all reading.
func (m *meter) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rest()
	m.closed = true
}

func (g *Group) path(of gauge) string {
	if of.at == outside {
		return of.file
	}
	return filepath.Join(g.dirs[of.at], of.file)
}

// exists says whether the group's folder on a hierarchy is there: a file that is missing
// from it is one that the kernel lacks.
func (g *Group) exists(at int) bool {
	_, err := g.host.tree.folders(g.dirs[at])
	return err == nil
}
