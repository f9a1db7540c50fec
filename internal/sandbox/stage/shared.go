package stage

import "sync"

// Shared is a stage that lives as long as it has users: the templates of a driver. The zero
// value has none.
type Shared struct {
	mu    sync.Mutex // protects the fields below
	stage *Stage     // nil without users
	users int
}

// Use returns the stage, starting it for the first user.
func (s *Shared) Use() (_ *Stage, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == 0 {
		if s.stage, err = Start(); err != nil {
			return nil, err
		}
	}
	s.users++
	return s.stage, nil
}

// Leave ends the stage with its last user.
func (s *Shared) Leave() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 {
		s.stage.End()
		s.stage = nil
	}
	return nil
}
