package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"
)

// candidate is a process of the host that may belong to a box.
type candidate struct {
	pid     int
	session int
}

// belongs says whether a process carries the marker or is in one of the sessions.
func (c candidate) belongs(marker string, sessions []int) bool {
	if slices.Contains(sessions, c.session) {
		return true
	}
	entry := append([]byte(markerName+"="+marker), 0)
	env := append([]byte{0}, environment(c.pid)...)
	return bytes.Contains(env, append([]byte{0}, entry...))
}

// members returns the processes of a box that have not ended.
func members(marker string, sessions []int) ([]candidate, error) {
	all, err := candidates()
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	all = slices.DeleteFunc(all, func(c candidate) bool {
		return c.pid == os.Getpid() || !c.belongs(marker, sessions)
	})
	return all, nil
}

// quietScans is how many scans in a row must find nothing: one alone can miss a process that
// execs just then and shows no environment.
const quietScans = 2

// killMembers ends all processes of a box, also those that are born meanwhile.
func killMembers(ctx context.Context, marker string, sessions []int) error {
	err := signalUntil(ctx, syscall.SIGKILL, marker, sessions, func(int) bool { return false })
	if err != nil {
		return fmt.Errorf("ending processes: %w", err)
	}
	return nil
}

// stopMembers stops all processes of a box and returns when they have: a signal is sent
// before the last thread stops.
func stopMembers(ctx context.Context, marker string, sessions []int) error {
	if err := signalUntil(ctx, syscall.SIGSTOP, marker, sessions, stopped); err != nil {
		return fmt.Errorf("stopping processes: %w", err)
	}
	return nil
}

// signalUntil sends sig to the processes of a box that are not done, again and again until scans
// find none: a process can be born, or missed while it execs, between any two.
func signalUntil(ctx context.Context, sig syscall.Signal, marker string, sessions []int, done func(pid int) bool) error {
	for quiet := 0; quiet < quietScans; {
		found, err := members(marker, sessions)
		if err != nil {
			return err
		}
		found = slices.DeleteFunc(found, func(c candidate) bool { return done(c.pid) })
		if quiet++; len(found) > 0 {
			quiet = 0
		}
		for _, c := range found {
			if err := c.signal(sig, marker, sessions); err != nil {
				return err
			}
		}
		if err := pause(ctx, len(found)); err != nil {
			return fmt.Errorf("waiting for %d: %w", len(found), err)
		}
	}
	return nil
}

// pause lets signalled processes follow, if there are any.
func pause(ctx context.Context, signalled int) error {
	if signalled == 0 {
		return nil
	}
	select {
	case <-time.After(time.Millisecond):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// signalMembers sends sig to all processes of a box once, also to those that are
// born meanwhile. Only what hides its environment is missed.
func signalMembers(ctx context.Context, marker string, sessions []int, sig syscall.Signal) error {
	var told []candidate
	for {
		found, err := members(marker, sessions)
		if err != nil {
			return err
		}
		found = slices.DeleteFunc(found, func(c candidate) bool { return slices.Contains(told, c) })
		if len(found) == 0 {
			return nil
		}
		for _, c := range found {
			if err := c.signal(sig, marker, sessions); err != nil {
				return err
			}
		}
		told = append(told, found...)
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
}

// signal sends sig if the process still belongs to the box. The handle that is opened
// first keeps the number from meaning another process (pidfd_open(2), on Linux).
func (c candidate) signal(sig syscall.Signal, marker string, sessions []int) error {
	handle, err := os.FindProcess(c.pid)
	if err != nil {
		return nil // gone
	}
	defer handle.Release()
	if !c.belongs(marker, sessions) {
		return nil
	}
	if err := handle.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %v to process %d: %w", sig, c.pid, err)
	}
	return nil
}

func isNotEmpty(err error) bool {
	return errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EEXIST)
}
