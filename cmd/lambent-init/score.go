package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Scores for the out-of-memory killer (proc_pid_oom_score_adj(5)), above the daemon's: boxes
// go before it, and in a box a command before the init, so that the box outlives it. Only
// root of the host can go below what the spawner gave.
const (
	scoreOfBoxes   = 400
	scoreOfCommand = 100 // above the init's
	scoreHighest   = 1000
)

// score is the process's own, which children inherit.
type score struct{ fd, now int }

func openScore() (*score, error) {
	const name = "/proc/self/oom_score_adj"
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	now, err := strconv.Atoi(string(bytes.TrimSpace(text)))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	fd, err := unix.Open(name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return &score{fd, now}, nil
}

// raised runs f with a score that is higher by so much, as far as there is room, and sets it
// back. Raising one's score needs no right, nor does setting it back to where it began.
func (s *score) raised(by int, f func() error) error {
	if err := s.set(min(s.now+by, scoreHighest)); err != nil {
		return err
	}
	err := f()
	if back := s.set(s.now); err == nil {
		err = back
	}
	return err
}

func (s *score) set(value int) error {
	if _, err := unix.Write(s.fd, strconv.AppendInt(nil, int64(value), 10)); err != nil {
		return fmt.Errorf("setting oom_score_adj to %d: %w", value, err)
	}
	return nil
}
