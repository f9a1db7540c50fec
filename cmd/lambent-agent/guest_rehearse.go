package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
)

// playLimit bounds how long what waits may play.
const playLimit = 45 * time.Second

// rehearse goes the way of a start and back.
func (g *guest) rehearse(r *agentproto.Rehearse) error {
	if len(r.Targets) != len(r.Names) || g.launch == nil {
		return errors.New("a rehearsal is out of order")
	}
	if err := g.show(r.Targets, r.Names); err != nil {
		return err
	}
	failed := []error{g.echo(r.Echo)}
	if r.Play && g.waiting != nil {
		failed = append(failed, g.waiting.play())
	}
	return errors.Join(append(failed, g.hide(r.Targets, r.Names), g.groups.forgetPeak())...)
}

// hide undoes show, and forgets what was read.
func (g *guest) hide(targets, names []string) error {
	for i, target := range targets {
		if err := unix.Unmount(target, 0); err != nil {
			return &os.PathError{Op: "unmount", Path: target, Err: err}
		}
		if err := g.flush(names[i]); err != nil {
			return err
		}
	}
	return nil
}

// echo joins a stream with a socket, as a command's, and sends back what comes first.
func (g *guest) echo(ticket uint64) error {
	fd, err := g.stream(ticket)
	if err != nil {
		return err
	}
	conn, err := unixConn(fd)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(playLimit)); err != nil {
		return err
	}
	heard := make([]byte, 4096)
	n, err := conn.Read(heard)
	if err != nil {
		return err
	}
	_, err = conn.Write(heard[:n])
	return err
}

// play has what waits play a start, and waits until it has. One that has ended is noticed when it
// is to be adopted.
func (w *waiting) play() error {
	var word [1]byte
	if _, err := unix.Write(w.start, word[:]); err != nil {
		return nil
	}
	ready := []unix.PollFd{{Fd: int32(w.start), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(ready, int(playLimit.Milliseconds()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("waiting until what waits has played: %w", err)
		}
		if n == 0 {
			return fmt.Errorf("what waits did not play within %v", playLimit)
		}
		_, _ = unix.Read(w.start, word[:]) // as above
		return nil
	}
}
