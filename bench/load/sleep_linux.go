package load

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// sleeper sleeps to within some tens of microseconds, on a timer of the kernel that Go's
// poller waits for. Go's own timers are as coarse as epoll's milliseconds while a program has
// nothing else to do. A thread in nanosleep(2) keeps its processor of the Go scheduler, and with
// it whom it has just made runnable, until the scheduler's watch looks: up to 10 ms later.
type sleeper struct{ timer *os.File }

func newSleeper() (sleeper, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return sleeper{}, fmt.Errorf("making a timer: %w", err)
	}
	return sleeper{os.NewFile(uintptr(fd), "timer")}, nil
}

func (s sleeper) until(t time.Time) error {
	d := time.Until(t)
	if d <= 0 {
		return nil
	}
	if err := s.arm(d); err != nil {
		return fmt.Errorf("setting a timer: %w", err)
	}
	var expirations [8]byte // timerfd_create(2)
	_, err := s.timer.Read(expirations[:])
	return err
}

func (s sleeper) arm(d time.Duration) error {
	raw, err := s.timer.SyscallConn()
	if err != nil {
		return err
	}
	once := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.TimerfdSettime(int(fd), 0, &once, nil) })
	if err != nil {
		return err
	}
	return failed
}

func (s sleeper) close() { s.timer.Close() }
