package light

import (
	"errors"
	"hash/fnv"
	"sync"
)

// The ids that sandboxes use on the host. systemd's "Users, Groups, UIDs and GIDs"
// page calls 1879048192 to 2147483647 unused.
const (
	firstID   = 1879048192
	idsOfBox  = 65536
	boxRanges = 4096
)

var errNoIDs = errors.New("all 4096 id ranges are in use: too many sandboxes")

// idRanges gives every sandbox a range of 65,536 ids of its own, so that no two
// boxes share an owner of files, processes or kernel limits.
type idRanges struct {
	mu   sync.Mutex          // protects the fields below
	used map[uint32]struct{} // by index
	next uint32              // index to look at next
}

// newIDRanges begins at a place that depends on the owner: two daemons that overlap
// during an upgrade then seldom give out the same range.
func newIDRanges(owner string) *idRanges {
	h := fnv.New32a()
	_, _ = h.Write([]byte(owner))
	return &idRanges{used: make(map[uint32]struct{}), next: h.Sum32() % boxRanges}
}

// take returns the first id of a free range and what gives it back.
func (r *idRanges) take() (first int, release func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for range boxRanges {
		index := r.next
		r.next = (r.next + 1) % boxRanges
		if _, taken := r.used[index]; !taken {
			r.used[index] = struct{}{}
			return firstID + int(index)*idsOfBox, func() { r.put(index) }, nil
		}
	}
	return 0, nil, errNoIDs
}

func (r *idRanges) put(index uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.used, index)
}
