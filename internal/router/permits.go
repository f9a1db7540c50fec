package router

import (
	"sync"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// Allocation is what a function has of its account's concurrency for itself.
type Allocation struct {
	Reserved    *int           // nil = none
	Provisioned map[string]int // by version
}

// permits are those of one account in one region. The lock is held for a few
// comparisons, never while a function runs.
type permits struct {
	limit int // immutable

	mu        sync.Mutex // guards what follows and all shares
	out       int        // permits in use
	meter     meter      // of them
	claimed   int        // sum of what functions have for themselves
	shared    int        // in use out of what nobody claims
	functions map[string]*share
}

// share is one function's part.
type share struct {
	permits     *permits
	name        string
	out         int // in use, of all versions
	meter       meter
	onDemand    int  // of these, those that no version has for itself
	reserved    *int // nil = none
	provisioned int  // sum of all slots' sizes
	slots       map[string]*slot
	known       bool   // between Assign and Forget; others are dropped when not in use
	release     func() // of an on-demand permit; made once, so that an invocation allocates nothing
}

// slot is what one version has for itself.
type slot struct {
	share   *share
	size    int
	inUse   int
	moved   int // permits that were given by the slot and count as on demand since it shrank
	release func()
}

func (p *permits) acquire(name, version string) (release func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.share(name)
	release, reason := s.take(version)
	if reason != "" {
		defer p.drop(s)
		return nil, s.throttled(reason)
	}
	s.count(+1)
	return release, nil
}

// admits says whether there is a permit on demand now. It takes none.
func (p *permits) admits(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.functions[name]
	if s == nil {
		return p.shared < p.limit-p.claimed
	}
	return (s.reserved == nil || s.out < *s.reserved) && p.out < p.limit && s.refuses() == ""
}

// count notes that n permits more are out. Preconditions: permits.mu is held.
func (s *share) count(n int) {
	p, now := s.permits, time.Now()
	s.meter.pass(s.out, now)
	p.meter.pass(p.out, now)
	s.out += n
	p.out += n
}

// take finds a permit: the version's own before one on demand. Preconditions: permits.mu
// is held.
func (s *share) take(version string) (release func(), reason string) {
	switch p := s.permits; {
	case s.reserved != nil && s.out >= *s.reserved:
		return nil, lambda.ReasonReservedConcurrency
	case p.out >= p.limit:
		return nil, lambda.ReasonConcurrency
	}
	if own := s.slots[version]; own != nil && own.inUse < own.size {
		own.inUse++
		return own.release, ""
	}
	if reason := s.refuses(); reason != "" {
		return nil, reason
	}
	s.lend(1)
	return s.release, ""
}

// refuses returns the reason for which there is no permit on demand now, or "".
// Preconditions: permits.mu is held.
func (s *share) refuses() string {
	if s.reserved != nil {
		if s.onDemand >= *s.reserved-s.provisioned {
			return lambda.ReasonReservedConcurrency
		}
		return ""
	}
	if p := s.permits; p.shared >= p.limit-p.claimed {
		return lambda.ReasonConcurrency
	}
	return ""
}

// lend counts n permits as on demand. Preconditions: permits.mu is held.
func (s *share) lend(n int) {
	s.onDemand += n
	if s.reserved == nil {
		s.permits.shared += n
	}
}

func (s *share) giveBack() {
	s.permits.mu.Lock()
	defer s.permits.mu.Unlock()
	s.lend(-1)
	s.returned()
}

// giveBack takes back a permit that the slot gave.
func (t *slot) giveBack() {
	s := t.share
	s.permits.mu.Lock()
	defer s.permits.mu.Unlock()
	if t.moved > 0 {
		t.moved--
		s.lend(-1)
	} else {
		t.inUse--
	}
	s.returned()
}

// returned counts a permit out of use. Preconditions: permits.mu is held.
func (s *share) returned() {
	s.count(-1)
	s.meter.end()
	s.permits.meter.end()
	s.permits.drop(s)
}

func (p *permits) assign(name string, a Allocation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.share(name)
	s.known = true
	s.assign(a)
}

func (p *permits) forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.share(name)
	s.known = false
	s.assign(Allocation{})
	p.drop(s)
}

// assign changes what a function has for itself; permits that are out count where they
// now belong. Preconditions: permits.mu is held.
func (s *share) assign(a Allocation) {
	p := s.permits
	p.claimed -= s.claims()
	if s.reserved == nil {
		p.shared -= s.onDemand
	}
	s.reserved = nil
	if a.Reserved != nil {
		n := *a.Reserved // the caller's may change
		s.reserved = &n
	}
	s.resize(a.Provisioned)
	p.claimed += s.claims()
	if s.reserved == nil {
		p.shared += s.onDemand
	}
}

// claims is what the function takes out of what all share; see
// lambda.Function.ClaimedConcurrency. Preconditions: permits.mu is held.
func (s *share) claims() int {
	if s.reserved != nil {
		return *s.reserved
	}
	return s.provisioned
}

// resize gives versions their slots. Preconditions: permits.mu is held.
func (s *share) resize(sizes map[string]int) {
	for version, t := range s.slots {
		t.size = sizes[version]
		excess := max(t.inUse-t.size, 0)
		t.inUse -= excess
		t.moved += excess
		s.onDemand += excess
		if t.size == 0 {
			delete(s.slots, version) // permits that are out hold it
		}
	}
	s.provisioned = 0
	for version, size := range sizes {
		s.provisioned += size
		if s.slots[version] == nil {
			s.addSlot(version, size)
		}
	}
}

func (s *share) addSlot(version string, size int) {
	t := &slot{share: s, size: size}
	t.release = t.giveBack
	if s.slots == nil {
		s.slots = map[string]*slot{}
	}
	s.slots[version] = t
}

// share returns a function's, making it if there is none. Preconditions: mu is held.
func (p *permits) share(name string) *share {
	s := p.functions[name]
	if s == nil {
		s = &share{permits: p, name: name}
		s.release = s.giveBack
		p.functions[name] = s
	}
	return s
}

// drop removes a share that nobody needs. Preconditions: mu is held.
func (p *permits) drop(s *share) {
	if !s.known && s.out == 0 {
		delete(p.functions, s.name)
	}
}

// throttled is Lambda's 429, as it answers it, with the time in which a permit of the kind
// that lacks is expected back. Preconditions: permits.mu is held.
func (s *share) throttled(reason string) error {
	e := lambda.NewError(lambda.ErrTooManyRequests, "Rate Exceeded.")
	e.Reason = reason
	if reason == lambda.ReasonReservedConcurrency {
		e.RetryAfter = s.meter.next(s.out)
	} else {
		e.RetryAfter = s.permits.meter.next(s.permits.out)
	}
	return e
}
