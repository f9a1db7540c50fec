package light

import (
	"fmt"
	"os"

	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/kernel/thread"
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
	go thread.Own(make)
	<-done
	if err != nil {
		return nil, fmt.Errorf("making a root: %w", err)
	}
	return ns, nil
}
