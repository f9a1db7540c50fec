package templates

import "sync"

// Users counts who uses what a template and its boxes share, so that the last one frees it.
type Users struct {
	free func() error

	mu     sync.Mutex // protects the fields below
	count  int
	closed bool
}

// NewUsers returns Users with the template as the first. free runs when nobody is left.
func NewUsers(free func() error) *Users { return &Users{free: free, count: 1} }

// Enter adds a user, unless the template is closed.
func (u *Users) Enter() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return false
	}
	u.count++
	return true
}

// Join adds a user also to a template that is closed. Preconditions: the caller is in.
func (u *Users) Join() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.count++
}

// Leave ends a use; the last one frees.
func (u *Users) Leave() error {
	u.mu.Lock()
	u.count--
	last := u.count == 0
	u.mu.Unlock()
	if !last {
		return nil
	}
	return u.free()
}

// Close lets nobody in any more, and says whether this call did. Its caller then leaves.
func (u *Users) Close() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	was := u.closed
	u.closed = true
	return !was
}
