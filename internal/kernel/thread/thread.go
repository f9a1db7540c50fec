package thread

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// Own runs f on the calling goroutine's thread, which ends with the goroutine: call it as the
// goroutine's last. It is never the process's first thread, which cannot end and which
// /proc/self is about: while that one is locked here, the next goroutine gets another.
func Own(f func()) {
	runtime.LockOSThread()
	if isFirst() {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			Own(f)
		}()
		<-ended
		runtime.UnlockOSThread()
		return
	}
	f()
}

func isFirst() bool { return unix.Gettid() == unix.Getpid() }
