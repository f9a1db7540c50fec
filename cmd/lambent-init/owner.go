package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/caps"
)

// asOwner runs f with another effective user: who makes a user namespace owns it, and pays,
// beside the users in it, for all that the kernel counts by user: pending signals, timers,
// watches of files (user_namespaces(7), ucounts). Were that root, one box could use up what
// all others and the host's own services have of it.
//
// The thread keeps its rights: it has to write the maps of the namespace.
func asOwner(uid int, f func() error) error {
	if uid == 0 {
		return f()
	}
	if err := setEffective(uid); err != nil {
		return fmt.Errorf("becoming user %d: %w", uid, err)
	}
	err := caps.Raise()
	if err == nil {
		err = f()
	}
	return errors.Join(err, setEffective(0), unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0))
}

// setEffective changes the calling thread's user, and not the process's. The kernel forgets
// then that the thread wants to end with its parent.
func setEffective(uid int) error {
	const keep = ^uintptr(0)
	_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, keep, uintptr(uid), keep)
	if errno != 0 {
		return errno
	}
	return nil
}
