package light

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// The ids that sandboxes use on the host. systemd's "Users, Groups, UIDs and GIDs"
// page calls 1879048192 to 2147483647 unused.
const (
	firstID   = 1879048192
	idsOfBox  = 65536
	boxRanges = 4096
)

// idsFile is where the servers of this host see which ranges the others use: the byte of a
// range is locked as long as it is taken. It is never written, and stays.
const idsFile = "/run/lock/lambent-ids"

var errNoIDs = errors.New("all 4096 id ranges are in use: too many sandboxes")

// idRanges gives every sandbox a range of 65,536 ids of its own, so that no two boxes of
// this host share an owner of files, processes or kernel limits: also not those of two
// servers, as there are during an upgrade. The kernel drops the locks of a server that
// dies (fcntl(2), open file description locks).
type idRanges struct {
	path string // of the file with the locks

	mu   sync.Mutex          // protects the fields below
	used map[uint32]struct{} // by index
	next uint32              // index to look at next
	file *os.File            // nil while none is used
}

// newIDRanges begins at a place that depends on the owner, where others seldom are.
func newIDRanges(owner string) *idRanges {
	h := fnv.New32a()
	_, _ = h.Write([]byte(owner))
	return &idRanges{path: idsFile, used: make(map[uint32]struct{}), next: h.Sum32() % boxRanges}
}

// take returns the first id of a free range and what gives it back.
func (r *idRanges) take() (first int, release func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.open(); err != nil {
		return 0, nil, fmt.Errorf("taking an id range: %w", err)
	}
	for range boxRanges {
		index := r.next
		r.next = (r.next + 1) % boxRanges
		if _, taken := r.used[index]; taken || r.lock(index, unix.F_WRLCK) != nil {
			continue
		}
		r.used[index] = struct{}{}
		return firstID + int(index)*idsOfBox, func() { r.put(index) }, nil
	}
	return 0, nil, errNoIDs
}

func (r *idRanges) put(index uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.used, index)
	if len(r.used) > 0 {
		_ = r.lock(index, unix.F_UNLCK) // cannot fail for a lock that is held
		return
	}
	_ = r.file.Close() // drops the lock
	r.file = nil
}

// open must be called with mu held. Everybody can make files in the folder: one that is
// another user's could be locked by that user, and is refused.
func (r *idRanges) open() error {
	if r.file != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(r.path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	if err := ownOnly(f); err != nil {
		return errors.Join(err, f.Close())
	}
	r.file = f
	return nil
}

func ownOnly(f *os.File) error {
	var s unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &s); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	if int(s.Uid) != os.Geteuid() || s.Mode&0o077 != 0 {
		return fmt.Errorf("%s is another user's, or open to others: remove it", f.Name())
	}
	return nil
}

// lock locks or unlocks the byte of a range, without waiting. It must be called with mu
// held.
func (r *idRanges) lock(index uint32, kind int16) error {
	one := unix.Flock_t{Type: kind, Whence: io.SeekStart, Start: int64(index), Len: 1}
	return unix.FcntlFlock(r.file.Fd(), unix.F_OFD_SETLK, &one)
}
