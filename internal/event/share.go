package event

import (
	"sync"
	"time"
)

// growAfter is how many events of a function that was held back must run in a row before it gets
// one more at once.
const growAfter = 10

// shares divide the room among functions. A function begins with the most that one may
// have; an event that comes back takes it down to what it then has running, and runs bring
// it up again (additive increase: its limit may be another by now).
type shares struct {
	most int // events of one function; immutable

	mu        sync.Mutex // guards what follows
	running   int
	functions map[string]*share
}

// share is one function's.
type share struct {
	running int
	window  int       // events at once
	streak  int       // runs since the window changed
	paused  time.Time // nothing begins before: not even one event gets through
}

// room is how many more events of a function may begin. The queue calls it.
func (s *shares) room(function string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[function]
	if f == nil {
		return s.most
	}
	if time.Now().Before(f.paused) {
		return 0
	}
	return f.window - f.running
}

func (s *shares) total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

// others says whether a function has more than one event running.
func (s *shares) others(function string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.functions[function].running > 1
}

func (s *shares) begin(function string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[function]
	if f == nil {
		f = &share{window: s.most}
		s.functions[function] = f
	}
	f.running++
	s.running++
}

// end takes note of an event that ran, or came back to be tried again.
func (s *shares) end(function string, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[function]
	f.running--
	s.running--
	if again {
		f.shrink()
	} else {
		f.grow(s.most)
	}
	if f.running == 0 && f.window == s.most {
		delete(s.functions, function)
	}
}

func (f *share) shrink() {
	f.window, f.streak = max(1, min(f.window, f.running)), 0
	if f.running == 0 {
		f.paused = time.Now().Add(minDelay)
	}
}

func (f *share) grow(most int) {
	if f.streak++; f.streak >= growAfter {
		f.window, f.streak = min(most, f.window+1), 0
	}
}
