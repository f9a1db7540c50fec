package pool

import "time"

// reclaim makes idle instances leave, least recently used first and whosever they
// are, until the claims for memory that wait can be met.
func (p *Pool) reclaim() {
	p.evicting.Lock() // or two callers would see one shortage and make twice the room
	defer p.evicting.Unlock()
	p.calm.rush()
	for p.memory.short() && p.evict() {
	}
}

// evict makes the least recently used idle instance leave. It is false when there is
// none.
func (p *Pool) evict() bool {
	for {
		oldest := p.oldest()
		if oldest == nil {
			return false
		}
		if oldest.group.evict(oldest) {
			return true
		}
	}
}

// oldest finds the idle instance that was used least recently. It looks at all groups:
// starts that find no memory are rare, and an order kept up to date would put a lock of
// the whole host on every request.
func (p *Pool) oldest() *member {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var found *member
	var since time.Time
	for _, f := range p.functions {
		for _, g := range f.groups {
			if m, t := g.oldest(); m != nil && (found == nil || t.Before(since)) {
				found, since = m, t
			}
		}
	}
	return found
}
