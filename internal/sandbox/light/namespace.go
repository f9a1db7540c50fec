package light

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/mount"
)

// newRoot makes a mount namespace in which build makes the root, and returns it. It lives
// as long as the descriptor or a process in it.
func newRoot(build func() error) (ns *os.File, err error) {
	done := make(chan struct{})
	make := func() {
		defer close(done)
		if err = mount.Unshare(); err != nil {
			return
		}
		if err = build(); err != nil {
			return
		}
		ns, err = os.Open("/proc/thread-self/ns/mnt")
	}
	go onOwnThread(make)
	<-done
	if err != nil {
		return nil, fmt.Errorf("making a root: %w", err)
	}
	return ns, nil
}

// onOwnThread runs f on a thread that ends with it. It is not the process's first, which
// /proc/self is about: while that one is locked here, the next goroutine gets another.
func onOwnThread(f func()) {
	runtime.LockOSThread()
	if isFirstThread() {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			onOwnThread(f)
		}()
		<-ended
		runtime.UnlockOSThread()
		return
	}
	f()
}

func isFirstThread() bool { return unix.Gettid() == unix.Getpid() }
