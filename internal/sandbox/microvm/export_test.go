package microvm

// For tests that drive a real guest from outside.
var (
	KeepsTime = keepsTime
	ErrClock  = errClock
)
