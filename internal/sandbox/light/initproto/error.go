package initproto

import (
	"errors"
	"syscall"
)

// remoteError is an error of the init, as the driver sees it: errors.Is knows its
// errno, so that a command that does not exist is fs.ErrNotExist.
type remoteError struct {
	text  string
	errno syscall.Errno
}

// Error implements error.
func (e *remoteError) Error() string { return e.text }

// Unwrap returns the errno, if there was one.
func (e *remoteError) Unwrap() error {
	if e.errno == 0 {
		return nil
	}
	return e.errno
}

func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return 0
}
