//go:build !linux

package load

import "time"

type sleeper struct{}

func newSleeper() (sleeper, error) { return sleeper{}, nil }

func (sleeper) until(t time.Time) error {
	time.Sleep(time.Until(t))
	return nil
}

func (sleeper) close() {}
