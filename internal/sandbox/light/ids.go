package light

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// DefaultIDs are the ids that sandboxes use on the host, if nobody says otherwise. systemd's
// "Users, Groups, UIDs and GIDs" page calls them unused.
const DefaultIDs = "1879048192-2147483647"

// idsOfBox is how many each box has. One would do for a function, but not for programs that
// expect the users of a system to exist, and costs as much: a line in a map of the kernel.
const idsOfBox = 65536

// idsFile is where the servers of this host see which ranges the others use: the byte of a
// range is locked as long as it is taken. It is never written, and stays.
const idsFile = "/run/lock/lambent-ids"

// idRanges gives every sandbox a range of 65,536 ids of its own, so that no two boxes of
// this host share an owner of files, processes or kernel limits: also not those of two
// servers, as there are during an upgrade. The kernel drops the locks of a server that
// dies (fcntl(2), open file description locks).
type idRanges struct {
	path  string // of the file with the locks
	first uint32 // range, counted from id 0
	count uint32

	mu   sync.Mutex          // protects the fields below
	used map[uint32]struct{} // by index
	next uint32              // index to look at next
	file *os.File            // nil while none is used
}

// newIDRanges shares out ids, written FIRST-LAST. It begins at a place that depends on the
// owner, where others seldom are.
func newIDRanges(ids, owner string) (*idRanges, error) {
	first, count, err := parseIDs(ids)
	if err != nil {
		return nil, err
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(owner))
	return &idRanges{path: idsFile, first: first, count: count, used: make(map[uint32]struct{}), next: h.Sum32() % count}, nil
}

// parseIDs returns the first range, counted from id 0, and how many there are.
func parseIDs(text string) (first, count uint32, err error) {
	from, to, _ := strings.Cut(text, "-")
	low, lowErr := strconv.ParseUint(from, 10, 32)
	high, highErr := strconv.ParseUint(to, 10, 32)
	if lowErr != nil || highErr != nil || low%idsOfBox != 0 || high%idsOfBox != idsOfBox-1 || low == 0 || high < low {
		return 0, 0, fmt.Errorf("ids of sandboxes %q: write FIRST-LAST, whole ranges of 65,536 above the first, as in %s", text, DefaultIDs)
	}
	if high == math.MaxUint32 {
		return 0, 0, fmt.Errorf("ids of sandboxes %q: the last one is nobody's; end with 4294901759 at most", text)
	}
	first = uint32(low / idsOfBox)
	return first, uint32(high/idsOfBox) + 1 - first, nil
}

// take returns the first id of a free range and what gives it back.
func (r *idRanges) take() (first int, release func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.open(); err != nil {
		return 0, nil, fmt.Errorf("taking an id range: %w", err)
	}
	for range r.count {
		index := r.next
		r.next = (r.next + 1) % r.count
		if _, taken := r.used[index]; taken || r.lock(index, unix.F_WRLCK) != nil {
			continue
		}
		r.used[index] = struct{}{}
		return int(r.first+index) * idsOfBox, func() { r.put(index) }, nil
	}
	return 0, nil, fmt.Errorf("all %d id ranges are in use: too many sandboxes", r.count)
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
// held. Where a range's byte is does not depend on which ones a server has: bytes are counted
// from the first of DefaultIDs on, around the end of all ids.
func (r *idRanges) lock(index uint32, kind int16) error {
	const ranges, zero = 1 << 32 / idsOfBox, 1879048192 / idsOfBox
	one := unix.Flock_t{Type: kind, Whence: io.SeekStart, Start: int64((r.first + index + ranges - zero) % ranges), Len: 1}
	return unix.FcntlFlock(r.file.Fd(), unix.F_OFD_SETLK, &one)
}
