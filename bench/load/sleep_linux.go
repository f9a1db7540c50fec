package load

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// sleeper sleeps to within some tens of microseconds. Go's own timers are as coarse as
// epoll's milliseconds while a program has nothing else to do.
type sleeper struct{}

// newSleeper takes the goroutine's thread until close, with a timer slack of 1 ns.
func newSleeper() sleeper {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // without it 50 µs coarser
	return sleeper{}
}

func (sleeper) until(t time.Time) {
	for d := time.Until(t); d > 0; d = time.Until(t) {
		ts := unix.NsecToTimespec(int64(d))
		_ = unix.Nanosleep(&ts, nil) // a signal interrupts it: then again
	}
}

// close gives the thread's slack back to the system's default.
func (sleeper) close() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0)
	runtime.UnlockOSThread()
}
