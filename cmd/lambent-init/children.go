package main

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// again is how long killAll waits before it kills once more.
const again = 5 * time.Millisecond

// children knows the commands that were started and reaps them and every orphan of
// the box.
type children struct {
	report func(initproto.Exit)

	// mu is held while a command is started, so that one that ends at once is known
	// when it is reaped.
	mu      sync.Mutex
	ids     map[int]uint64 // of commands by pid, guarded by mu
	running bool           // there may be children, guarded by mu
	changed *sync.Cond     // running changed, on mu
}

func newChildren(report func(initproto.Exit)) *children {
	c := &children{report: report, ids: make(map[int]uint64)}
	c.changed = sync.NewCond(&c.mu)
	go c.reap()
	return c
}

// start registers what fork makes under id.
func (c *children) start(id uint64, fork func() (int, error)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	pid, err := fork()
	if err != nil {
		return err
	}
	c.ids[pid] = id
	c.running = true
	c.changed.Broadcast()
	return nil
}

// signal sends sig to a command; one that ended answers ESRCH. The lock keeps its
// pid from being reaped and used again.
func (c *children) signal(id uint64, sig syscall.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for pid, known := range c.ids {
		if known == id {
			return unix.Kill(pid, sig)
		}
	}
	return unix.ESRCH
}

// killAll returns when no process but the init is left.
func (c *children) killAll() {
	for c.kill() {
		time.Sleep(again)
	}
}

// kill kills everything once and says whether something was left.
func (c *children) kill() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if os.Getpid() != 1 {
		c.killGroups()
		return c.running
	}
	// All in the pid namespace, also what a zygote forked into it, until there is none.
	return !errors.Is(unix.Kill(-1, unix.SIGKILL), unix.ESRCH) || c.running
}

// killGroups serves an init that is not PID 1 and must not reach for the host.
func (c *children) killGroups() {
	for pid := range c.ids {
		_ = unix.Kill(-pid, unix.SIGKILL)
	}
}

// reap waits for children for as long as the init lives.
func (c *children) reap() {
	for {
		pid, err := nextZombie()
		if errors.Is(err, unix.ECHILD) {
			c.idle()
			continue
		}
		if err == nil {
			c.collect(pid)
		}
	}
}

// nextZombie waits for a child that ended and leaves it to be collected.
func nextZombie() (int, error) {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOWAIT, nil)
	return pidOf(&info), err
}

// collect reaps pid, if fork has not done so itself after a failed exec.
func (c *children) collect(pid int) {
	c.mu.Lock()
	var status unix.WaitStatus
	got, err := unix.Wait4(pid, &status, unix.WNOHANG, nil)
	id, known := c.ids[pid]
	reaped := err == nil && got == pid
	if reaped {
		delete(c.ids, pid)
	}
	c.mu.Unlock()
	if reaped && known {
		c.report(exitOf(id, status))
	}
}

// idle sleeps until there are children again. The second look happens under the
// lock: a start since the first one must not be missed.
func (c *children) idle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	var info unix.Siginfo
	err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	if !errors.Is(err, unix.ECHILD) {
		return
	}
	c.running = false
	for !c.running {
		c.changed.Wait()
	}
}

func exitOf(id uint64, status unix.WaitStatus) initproto.Exit {
	e := initproto.Exit{ID: id}
	if status.Signaled() {
		e.Signal = status.Signal()
	} else {
		e.Code = status.ExitStatus()
	}
	return e
}
