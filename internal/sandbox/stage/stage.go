package stage

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/kernel/thread"
)

// Stage is such a thread. What it starts can be told by a signal when it ends
// (PR_SET_PDEATHSIG), so it lives as long.
type Stage struct {
	jobs  chan func()
	ended chan struct{}
}

// Start starts a stage.
func Start() (*Stage, error) {
	s := &Stage{jobs: make(chan func()), ended: make(chan struct{})}
	ready := make(chan error)
	go thread.Own(func() { s.serve(ready) })
	if err := <-ready; err != nil {
		return nil, fmt.Errorf("making a mount namespace: %w", err)
	}
	return s, nil
}

// serve runs jobs until end.
func (s *Stage) serve(ready chan<- error) {
	defer close(s.ended)
	err := mount.Unshare()
	if err == nil {
		err = os.NewSyscallError("unshare", unix.Unshare(unix.CLONE_NEWNET))
	}
	ready <- err
	if err != nil {
		return
	}
	for job := range s.jobs {
		job()
	}
}

// Do runs f on the stage. When ctx ends before its turn comes it never runs.
func (s *Stage) Do(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	select {
	case s.jobs <- func() { done <- f() }:
		return <-done
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// End ends the thread; its mounts go with it. Nobody calls Do any more.
func (s *Stage) End() {
	close(s.jobs)
	<-s.ended
}

// Unmount takes mounts away, the last first. What is not mounted is no error: the folder of an
// owner that was taken for dead may be gone, and its mounts with it.
func Unmount(paths ...string) error {
	var failed []error
	for i := len(paths) - 1; i >= 0; i-- {
		err := unix.Unmount(paths[i], unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
		if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
			failed = append(failed, &os.PathError{Op: "unmount", Path: paths[i], Err: err})
		}
	}
	return errors.Join(failed...)
}
