//go:build !linux

package load

import "time"

type sleeper struct{}

func newSleeper() sleeper { return sleeper{} }

func (sleeper) until(t time.Time) { time.Sleep(time.Until(t)) }

func (sleeper) close() {}
