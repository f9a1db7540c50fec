package pool

import (
	"sync"

	"lambent.dev/lambent/internal/lambda"
)

// holdings counts the instances that show a package, from before their start until
// they are closed, also those whose group is forgotten.
type holdings struct {
	mu    sync.Mutex     // guards count; after group.mu
	count map[string]int // by digest
}

func (h *holdings) take(v *lambda.Version) { h.add(v, +1) }
func (h *holdings) drop(v *lambda.Version) { h.add(v, -1) }

func (h *holdings) add(v *lambda.Version, n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count == nil {
		h.count = map[string]int{}
	}
	for digest := range v.Digests {
		if h.count[digest] += n; h.count[digest] == 0 {
			delete(h.count, digest)
		}
	}
}

// Holds says whether an instance that is being started, lives or is being closed shows
// a package or layer of this digest.
func (p *Pool) Holds(digest string) bool {
	p.holdings.mu.Lock()
	defer p.holdings.mu.Unlock()
	return p.holdings.count[digest] > 0
}
