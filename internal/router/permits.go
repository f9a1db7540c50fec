package router

import (
	"sync"

	"lambent.dev/lambent/internal/lambda"
)

// permits are those of one account in one region. The lock is held for a few
// comparisons, never while a function runs.
type permits struct {
	limit int // immutable

	mu        sync.Mutex // guards what follows and all shares
	reserved  int        // sum of all reservations
	shared    int        // in use by functions without a reservation
	functions map[string]*share
}

// share is one function's part.
type share struct {
	inUse    int
	reserved *int   // nil = none
	known    bool   // between Reserve and Forget; others are dropped when not in use
	release  func() // made once, so that an invocation allocates nothing
}

func (p *permits) acquire(name string) (release func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.share(name)
	if reason := p.refuses(s); reason != "" {
		p.drop(name, s)
		return nil, throttled(reason)
	}
	s.inUse++
	if s.reserved == nil {
		p.shared++
	}
	return s.release, nil
}

// refuses returns the reason for which a function gets no permit now, or "".
// Preconditions: mu is held.
func (p *permits) refuses(s *share) string {
	if s.reserved != nil {
		if s.inUse >= *s.reserved {
			return lambda.ReasonReservedConcurrency
		}
		return ""
	}
	if p.shared >= p.limit-p.reserved {
		return lambda.ReasonConcurrency
	}
	return ""
}

func (p *permits) giveBack(name string, s *share) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.inUse--
	if s.reserved == nil {
		p.shared--
	}
	p.drop(name, s)
}

func (p *permits) reserve(name string, concurrency *int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.share(name)
	s.known = true
	p.assign(s, concurrency)
}

func (p *permits) forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.share(name)
	s.known = false
	p.assign(s, nil)
	p.drop(name, s)
}

// assign changes a reservation; permits that are out move to the other account.
// Preconditions: mu is held.
func (p *permits) assign(s *share, concurrency *int) {
	if s.reserved != nil {
		p.reserved -= *s.reserved
		p.shared += s.inUse
	}
	s.reserved = nil
	if concurrency != nil {
		n := *concurrency // the caller's may change
		s.reserved = &n
		p.reserved += n
		p.shared -= s.inUse
	}
}

// share returns a function's, making it if there is none. Preconditions: mu is held.
func (p *permits) share(name string) *share {
	s := p.functions[name]
	if s == nil {
		s = &share{}
		s.release = func() { p.giveBack(name, s) }
		p.functions[name] = s
	}
	return s
}

// drop removes a share that nobody needs. Preconditions: mu is held.
func (p *permits) drop(name string, s *share) {
	if !s.known && s.inUse == 0 {
		delete(p.functions, name)
	}
}

// throttled is Lambda's 429, as it answers it.
func throttled(reason string) error {
	e := lambda.NewError(lambda.ErrTooManyRequests, "Rate Exceeded.")
	e.Reason = reason
	return e
}
