package stage

import (
	"errors"
	"os"

	"lambent.dev/lambent/internal/kernel/netns"
)

// Inside runs f on the calling thread, a stage's, in a network namespace: what it starts is born
// there. nil = where the stage is.
func Inside(ns *os.File, f func() error) (err error) {
	if ns == nil {
		return f()
	}
	home, err := netns.Current()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, netns.Enter(home), home.Close()) }()
	if err := netns.Enter(ns); err != nil {
		return err
	}
	return f()
}
