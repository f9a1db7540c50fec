package cgroup

import (
	"container/list"
	"sync"

	"golang.org/x/sys/unix"
)

// mostKept bounds the descriptors for counters where the process may have many more: some
// 300 groups of a v1 host with an interpreter in each.
const mostKept = 4096

// shelf bounds how many files the meters of a host keep open together: groups may be
// thousands, descriptors are not. Who has not read for long gives way first, found by
// second chances (the clock algorithm), so that a reading of open files tells nobody.
type shelf struct {
	room int // files

	mu     sync.Mutex // guards what follows; taken while a meter's mu is held
	meters list.List  // of those that have files open, of *meter; who is at the front is looked at next
	files  int        // of all of them
}

// place is a meter's on the shelf, guarded by the shelf's mu.
type place struct {
	at    *list.Element // nil: it has no files open
	files int
}

// room is an eighth of the descriptors that this process may have, mostKept at most: what
// else a group's owner needs for it, pipes and sockets, is more.
func room() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return mostKept
	}
	return int(min(limit.Cur/8, mostKept))
}

// put notes how many files a meter has open now, and makes room. It runs with m.mu held.
func (s *shelf) put(m *meter, files int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(m, files)
	s.makeRoom(m)
}

// set runs with s.mu held.
func (s *shelf) set(m *meter, files int) {
	s.files += files - m.place.files
	m.place.files = files
	switch at := m.place.at; {
	case at == nil && files > 0:
		m.place.at = s.meters.PushBack(m)
	case at != nil && files == 0:
		s.meters.Remove(at)
		m.place.at = nil
	}
}

// makeRoom closes the files of meters that did not read since they were looked at last. Who
// reads at this moment keeps its own, so the bound may be passed for a while. It runs with
// s.mu held.
func (s *shelf) makeRoom(but *meter) {
	for range 2 * s.meters.Len() { // the first time round may only take the chances
		if s.files <= s.room {
			return
		}
		at := s.meters.Front()
		s.meters.MoveToBack(at)
		m := at.Value.(*meter)
		if m == but || m.recent.Swap(false) || !m.mu.TryLock() {
			continue
		}
		m.shut()
		s.set(m, 0)
		m.mu.Unlock()
	}
}
