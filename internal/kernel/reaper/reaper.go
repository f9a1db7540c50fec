package reaper

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// again is how long KillAll waits before it kills once more.
const again = 5 * time.Millisecond

// Exit tells how a command ended.
type Exit struct {
	ID     uint64
	Code   int
	Signal syscall.Signal
}

// Reaper knows the commands that were started and reaps them and every orphan of the box.
// Its methods may be called from many goroutines.
type Reaper struct {
	report  func(Exit)
	machine bool // the kernel's own threads are in this pid namespace, too

	// mu is held while a command is started, so that one that ends at once is known
	// when it is reaped.
	mu      sync.Mutex
	ids     map[int]uint64 // of commands by pid, guarded by mu
	running bool           // there may be children, guarded by mu
	changed *sync.Cond     // running changed, on mu
}

// New reaps for as long as the process lives, and reports the end of each command.
func New(report func(Exit)) *Reaper {
	r := &Reaper{report: report, ids: make(map[int]uint64)}
	r.changed = sync.NewCond(&r.mu)
	go r.reap()
	return r
}

// NewOfMachine is New for the first process of a whole machine.
func NewOfMachine(report func(Exit)) *Reaper {
	r := &Reaper{report: report, ids: make(map[int]uint64), machine: true}
	r.changed = sync.NewCond(&r.mu)
	go r.reap()
	return r
}

// Start registers what fork makes under id.
func (r *Reaper) Start(id uint64, fork func() (int, error)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	pid, err := fork()
	if err != nil {
		return err
	}
	r.ids[pid] = id
	r.running = true
	r.changed.Broadcast()
	return nil
}

// Signal sends sig to a command; one that ended answers ESRCH. The lock keeps its
// pid from being reaped and used again.
func (r *Reaper) Signal(id uint64, sig syscall.Signal) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for pid, known := range r.ids {
		if known == id {
			return unix.Kill(pid, sig)
		}
	}
	return unix.ESRCH
}

// Each calls f for every command that was started and not reaped. The lock is held: f is short.
func (r *Reaper) Each(f func(pid int) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var failed []error
	for pid := range r.ids {
		failed = append(failed, f(pid))
	}
	return errors.Join(failed...)
}

// KillAll returns when no process but the init is left.
func (r *Reaper) KillAll() {
	for r.kill() {
		time.Sleep(again)
	}
}

// kill kills everything once and says whether something was left.
func (r *Reaper) kill() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if os.Getpid() != 1 {
		r.killGroups()
		return r.running
	}
	if r.machine { // the kernel's threads take every signal and stay; all else is below this process
		_ = unix.Kill(-1, unix.SIGKILL)
		return r.running
	}
	// All in the pid namespace, also what a zygote forked into it, until there is none.
	return !errors.Is(unix.Kill(-1, unix.SIGKILL), unix.ESRCH) || r.running
}

// killGroups serves an init that is not PID 1 and must not reach for the host.
func (r *Reaper) killGroups() {
	for pid := range r.ids {
		_ = unix.Kill(-pid, unix.SIGKILL)
	}
}

// reap waits for children for as long as the init lives.
func (r *Reaper) reap() {
	for {
		pid, err := nextZombie()
		if errors.Is(err, unix.ECHILD) {
			r.idle()
			continue
		}
		if err == nil {
			r.collect(pid)
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
func (r *Reaper) collect(pid int) {
	r.mu.Lock()
	var status unix.WaitStatus
	got, err := unix.Wait4(pid, &status, unix.WNOHANG, nil)
	id, known := r.ids[pid]
	reaped := err == nil && got == pid
	if reaped {
		delete(r.ids, pid)
	}
	r.mu.Unlock()
	if reaped && known {
		r.report(exitOf(id, status))
	}
}

// idle sleeps until there are children again. The second look happens under the
// lock: a start since the first one must not be missed.
func (r *Reaper) idle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	var info unix.Siginfo
	err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	if !errors.Is(err, unix.ECHILD) {
		return
	}
	r.running = false
	for !r.running {
		r.changed.Wait()
	}
}

func exitOf(id uint64, status unix.WaitStatus) Exit {
	e := Exit{ID: id}
	if status.Signaled() {
		e.Signal = status.Signal()
	} else {
		e.Code = status.ExitStatus()
	}
	return e
}
