package stem

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// errClosed is the answer to Take after Close, and the end of what makes stems.
var errClosed = errors.New("no sandboxes are given out any more")

// Store gives out sandboxes and keeps stems of the bases that were asked for. Its methods
// may be called from many goroutines.
type Store struct {
	deps     Deps
	settings Settings

	ctx     context.Context // of what makes stems
	stop    context.CancelCauseFunc
	filling sync.WaitGroup

	taken atomic.Int64 // Unix nanoseconds of the last Take
	used  atomic.Int64 // bytes of all stems, and of those that are being made

	mu      sync.Mutex // guards what follows; before bed.mu
	beds    map[key]*bed
	retired bool // no bed is filled
	closed  bool // nothing is given out
}

// key names a bed.
type key struct {
	tier lambda.Tier
	base sandbox.Base
	bare bool // of boxes that Fit takes
}

// bounds are those of a key's bed.
func (s Settings) bounds(k key) Bounds {
	if k.bare {
		return s.Boxes
	}
	return Bounds{s.Floor, s.Ceiling}
}

// New returns a store without stems.
func New(d Deps, s Settings) (*Store, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("settings of stems: %w", err)
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Early == nil {
		d.Early = func(lambda.Tier) bool { return false }
	}
	if d.Starting == nil {
		d.Starting = func() bool { return false }
	}
	store := &Store{deps: d, settings: s, beds: map[key]*bed{}}
	store.ctx, store.stop = context.WithCancelCause(context.Background())
	return store, nil
}

// Take gives out a sandbox of a base: a stem that waits, one that is made of a bare box that
// waits, or one that is made now. The caller binds and closes it.
func (s *Store) Take(ctx context.Context, tier lambda.Tier, base sandbox.Base) (*Box, error) {
	if s.isClosed() {
		return nil, errClosed
	}
	s.taken.Store(time.Now().UnixNano())
	if b := s.bed(key{tier: tier, base: base}); b != nil {
		if box := b.take(); box != nil {
			return box, nil
		}
	}
	template, err := s.deps.Templates(ctx, tier, base)
	if err != nil {
		return nil, fmt.Errorf("preparing a template: %w", err)
	}
	if box := s.fit(ctx, tier, template); box != nil {
		return box, nil
	}
	box, err := s.create(ctx, template)
	if err != nil {
		return nil, fmt.Errorf("creating the sandbox: %w", err)
	}
	return box, nil
}

// Expect begins to keep stems of a base, because somebody will ask for it.
func (s *Store) Expect(tier lambda.Tier, base sandbox.Base) { s.bed(key{tier: tier, base: base}) }

// bed returns the bed of a base, making it if there is none; nil where none is kept.
func (s *Store) bed(k key) *bed {
	if s.settings.bounds(k).Ceiling == 0 || !s.deps.Early(k.tier) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retired {
		return nil
	}
	b := s.beds[k]
	if b == nil {
		b = newBed(s, k)
		s.beds[k] = b
		s.filling.Go(func() { b.fill(s.ctx) })
	}
	return b
}

// Drop closes all stems, to give their memory to functions, and says how many there were.
// They are made again when nobody has taken a sandbox for a while.
func (s *Store) Drop() int {
	dropped := 0
	for _, b := range s.all() {
		dropped += b.clear()
	}
	return dropped
}

func (s *Store) all() []*bed {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*bed, 0, len(s.beds))
	for _, b := range s.beds {
		all = append(all, b)
	}
	return all
}

// Retire keeps no stems any more: Take makes each sandbox when it is asked for. It waits
// until nothing is made ahead.
func (s *Store) Retire() {
	s.mu.Lock()
	s.retired = true
	s.mu.Unlock()
	s.stop(errClosed)
	s.filling.Wait()
	s.Drop()
}

// Close retires the store and gives out no more. What was taken is the takers'.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.Retire()
	return nil
}

func (s *Store) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// reserve counts size bytes more as used, if they may be, after it has taken from beds
// that were used less recently than b.
func (s *Store) reserve(b *bed, size int64) bool {
	for !s.claim(size) {
		if !s.stealFor(b) {
			return false
		}
	}
	return true
}

func (s *Store) claim(size int64) bool {
	for {
		used := s.used.Load()
		if s.settings.Memory > 0 && used+size > s.settings.Memory {
			return false
		}
		if s.used.CompareAndSwap(used, used+size) {
			return true
		}
	}
}

// stealFor closes one stem of the bed that was used least recently, if not b is that.
func (s *Store) stealFor(b *bed) bool {
	victim, oldest := (*bed)(nil), b.lastUse()
	for _, other := range s.all() {
		if use, any := other.lastUse(), other.count() > 0; any && use.Before(oldest) {
			victim, oldest = other, use
		}
	}
	return victim != nil && victim.giveUp()
}

// Stats says what a bed has.
type Stats struct {
	Tier    lambda.Tier
	Preload string // "" = none
	Bare    bool   // these are boxes that nothing waits in, for any interpreter
	Ready   int
	Wanted  int
	Taken   uint64 // stems that were given out
	Missed  uint64 // takes that met none
}

// Stats lists all beds.
func (s *Store) Stats() []Stats {
	all := s.all()
	list := make([]Stats, 0, len(all))
	for _, b := range all {
		list = append(list, b.stats())
	}
	return list
}
