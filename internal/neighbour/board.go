package neighbour

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"lambent.dev/lambent/internal/receipt"
)

const (
	// remembered is how many spans of an instance are kept, and goneKept how many instances
	// that have ended: questions come within moments.
	remembered = 32
	goneKept   = 64
	// most is how many neighbours an answer names.
	most = 16
	// least is what a neighbour must have used to be named.
	least = time.Millisecond / 2
)

// Board holds the instances of one host. The zero value is ready for use by many
// goroutines.
type Board struct {
	mu      sync.Mutex // guards what follows; before Member.mu
	members map[*Member]struct{}
	gone    []*Member // the latest last
}

// Member is one instance. A nil Member takes everything and remembers nothing.
type Member struct {
	board    *Board
	function string
	cpu      func() (time.Duration, bool)

	mu      sync.Mutex // guards what follows
	running span       // zero while idle
	spans   []span     // a ring
	next    int
}

// span is one invocation.
type span struct {
	request  string
	from, to time.Time
	cpu      time.Duration // used; of a running one, what the instance had used before
}

// Join adds an instance of a function. cpu reads what it has used so far, and may be
// called at any time until Leave has returned, and once after. A nil board gives a nil Member.
func (b *Board) Join(function string, cpu func() (time.Duration, bool)) *Member {
	if b == nil {
		return nil
	}
	m := &Member{board: b, function: function, cpu: cpu}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.members == nil {
		b.members = map[*Member]struct{}{}
	}
	b.members[m] = struct{}{}
	return m
}

// Leave says that the instance has ended. What it did is remembered for a while.
func (m *Member) Leave() {
	if m == nil {
		return
	}
	m.End(0)
	b := m.board
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, in := b.members[m]; !in {
		return
	}
	delete(b.members, m)
	if len(b.gone) == goneKept {
		b.gone = slices.Delete(b.gone, 0, 1)
	}
	b.gone = append(b.gone, m)
}

// Begin says that an invocation begins in the instance, which has used so much CPU so far.
func (m *Member) Begin(request string, cpu time.Duration) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running = span{request: request, from: time.Now(), cpu: cpu}
}

// End says that it has ended and what it has used. Without one that runs it does nothing.
func (m *Member) End(used time.Duration) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running.from.IsZero() {
		return
	}
	m.running.to, m.running.cpu = time.Now(), used
	if len(m.spans) < remembered {
		m.spans = append(m.spans, m.running)
	} else {
		m.spans[m.next] = m.running
		m.next = (m.next + 1) % remembered
	}
	m.running = span{}
}

// During says which functions used CPU between two moments, the one that used most first.
// The request's own invocation is left out; others of its function are neighbours too. Of
// an invocation that lies in that time only in part, that part of its CPU time is taken.
func (b *Board) During(from, to time.Time, request string) []receipt.Neighbour {
	if b == nil {
		return nil
	}
	used := map[string]time.Duration{}
	for _, m := range b.all() {
		used[m.function] += m.during(from, to, request)
	}
	var list []receipt.Neighbour
	for function, cpu := range used {
		if cpu >= least {
			list = append(list, receipt.Neighbour{Function: function, CPU: cpu})
		}
	}
	slices.SortFunc(list, func(x, y receipt.Neighbour) int {
		return cmp.Or(cmp.Compare(y.CPU, x.CPU), cmp.Compare(x.Function, y.Function))
	})
	return list[:min(len(list), most)]
}

func (b *Board) all() []*Member {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.Clone(b.gone)
	for m := range b.members {
		all = append(all, m)
	}
	return all
}

// during is what one instance used.
func (m *Member) during(from, to time.Time, request string) (used time.Duration) {
	m.mu.Lock()
	spans, running := slices.Clone(m.spans), m.running
	m.mu.Unlock()
	if !running.from.IsZero() && running.from.Before(to) && running.request != request {
		spans = append(spans, m.soFar(running))
	}
	for _, s := range spans {
		if s.request != request {
			used += s.within(from, to)
		}
	}
	return used
}

// soFar is a running span as if it ended now. It runs without the lock: it reads a file.
func (m *Member) soFar(s span) span {
	now, ok := m.cpu()
	if !ok {
		now = s.cpu
	}
	s.cpu, s.to = max(now-s.cpu, 0), time.Now()
	return s
}

// within is the part of a span's CPU time that falls between two moments, as if it had
// been used evenly.
func (s span) within(from, to time.Time) time.Duration {
	length := s.to.Sub(s.from)
	if s.from.After(from) {
		from = s.from
	}
	if s.to.Before(to) {
		to = s.to
	}
	inside := to.Sub(from)
	if inside <= 0 || length <= 0 {
		return 0
	}
	return time.Duration(float64(s.cpu) * float64(inside) / float64(length))
}
