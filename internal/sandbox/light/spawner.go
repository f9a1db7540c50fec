package light

import (
	"fmt"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/kernel/netns"
)

// spawner is one operating system thread that has a template's mount namespace. All
// boxes of the template are cloned from it, so that each starts with the finished
// root. The thread ends with the last user: what it cloned dies with it (Pdeathsig).
//
// Between two jobs its root directory is the host's: cgroups are entered by path.
// Only a clone happens with the template's root.
type spawner struct {
	jobs  chan func()
	ended chan struct{}

	host, inside int      // root directories, O_PATH
	home         *os.File // the host's network namespace

	mu    sync.Mutex // protects users
	users int        // the template and its boxes
}

// startSpawner makes the thread; build runs on it and makes its root.
func startSpawner(build func() error) (*spawner, error) {
	s := &spawner{jobs: make(chan func()), ended: make(chan struct{}), host: -1, inside: -1, users: 1}
	ready := make(chan error)
	go s.begin(build, ready)
	if err := <-ready; err != nil {
		<-s.ended
		return nil, err
	}
	return s, nil
}

// begin finds a thread that is not the process's first: /proc/self is about that
// one, so it stays as it is. While it is locked here, the next goroutine gets another.
func (s *spawner) begin(build func() error, ready chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() != unix.Getpid() {
		s.thread(build, ready)
		return
	}
	locked := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		close(locked)
		s.thread(build, ready)
	}()
	<-locked
	runtime.UnlockOSThread()
}

// thread runs jobs on its locked thread, which ends with it.
func (s *spawner) thread(build func() error, ready chan<- error) {
	defer close(s.ended)
	defer s.free()
	err := s.prepare(build)
	ready <- err
	if err != nil {
		return
	}
	for job := range s.jobs {
		job()
	}
}

func (s *spawner) prepare(build func() error) (err error) {
	if s.home, err = netns.Current(); err != nil {
		return err
	}
	if s.host, err = openRoot(); err != nil {
		return err
	}
	if err := mount.Unshare(); err != nil {
		return err
	}
	if err := build(); err != nil {
		return err
	}
	if s.inside, err = openRoot(); err != nil {
		return err
	}
	return changeRoot(s.host)
}

// do runs f on the thread. The caller is a user, so the thread lives.
func (s *spawner) do(f func() error) error {
	result := make(chan error, 1)
	s.jobs <- func() { result <- f() }
	return <-result
}

// withRoot runs f with the template's root directory. It runs on the thread.
func (s *spawner) withRoot(f func() error) error {
	if err := changeRoot(s.inside); err != nil {
		return err
	}
	err := f()
	if back := changeRoot(s.host); back != nil && err == nil {
		err = back
	}
	return err
}

// withNetwork runs f in a network namespace; nil is the host's. It runs on the thread.
func (s *spawner) withNetwork(ns *os.File, f func() error) error {
	if ns == nil {
		return f()
	}
	if err := netns.Enter(ns); err != nil {
		return err
	}
	err := f()
	if back := netns.Enter(s.home); back != nil && err == nil {
		err = back
	}
	return err
}

// use adds a user.
func (s *spawner) use() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users++
}

// leave ends the thread with its last user and waits for it.
func (s *spawner) leave() {
	s.mu.Lock()
	s.users--
	last := s.users == 0
	s.mu.Unlock()
	if last {
		close(s.jobs)
		<-s.ended
	}
}

func (s *spawner) free() {
	for _, fd := range []int{s.host, s.inside} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	if s.home != nil {
		_ = s.home.Close()
	}
}

func openRoot() (int, error) {
	fd, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: "/", Err: err}
	}
	return fd, nil
}

func changeRoot(fd int) error {
	if err := unix.Fchdir(fd); err != nil {
		return fmt.Errorf("changing the root directory: %w", os.NewSyscallError("fchdir", err))
	}
	return os.NewSyscallError("chroot", unix.Chroot("."))
}
