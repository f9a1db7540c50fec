package templates

import "sync"

// Shared is what a driver has as long as it has users: a process or a thread that starts its boxes. The
// zero value has none.
type Shared[T interface{ End() }] struct {
	mu    sync.Mutex // held while it starts and ends; protects the fields below
	value T          // its zero value without users
	users int
}

// Use returns it; start makes it for the first user.
func (s *Shared[T]) Use(start func() (T, error)) (value T, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == 0 {
		made, err := start()
		if err != nil {
			return value, err
		}
		s.value = made
	}
	s.users++
	return s.value, nil
}

// Leave ends it with its last user. The error is nil: it is a step of who undoes several.
func (s *Shared[T]) Leave() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 {
		s.value.End()
		var none T
		s.value = none
	}
	return nil
}

// Value returns it; the zero value without users.
func (s *Shared[T]) Value() T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value
}
