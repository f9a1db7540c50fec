package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// killLimit bounds how long Kill chases processes that fork.
const killLimit = 2 * time.Second

// Kill sends SIGKILL to every process of the group, also to a frozen one, and
// returns when all were signalled; Close then waits until they are gone. It never
// signals the calling process. Afterwards the group is thawed and can be used
// again.
//
// It does not write cgroup.kill: from then on the kernel (seen on Linux 6.18) kills
// whatever clone3(CLONE_INTO_CGROUP) starts in the group at birth, because the child
// carries the count of kills of its parent's group.
func (g *Group) Kill() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	if err := g.signalAll(); err != nil {
		return fmt.Errorf("killing group %s: %w", g.name, err)
	}
	return nil
}

// killForGood ends a group that nobody will use again: by cgroup.kill where it is
// (v2, Linux 5.14), and by signals for what is elsewhere.
func (g *Group) killForGood() error {
	at, ok := g.host.v2()
	if !ok {
		return g.Kill()
	}
	err := g.host.tree.write(filepath.Join(g.dirs[at], "cgroup.kill"), "1")
	if err == nil && len(g.dirs) == 1 {
		return nil
	}
	if err != nil && !isGone(err) {
		return fmt.Errorf("killing group %s: %w", g.name, err)
	}
	return g.Kill()
}

// isGone says whether a file could not be used because its group was removed: another server that
// starts reaps the same groups. One that was open by then has no device any more.
func isGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV)
}

// signalAll stops the group without waiting for it, so that forks end, signals all
// that it finds until it finds nothing new, and lets them go: a process that was
// frozen by v1 dies only then.
func (g *Group) signalAll() error {
	if b, dir, ok := g.brake(); ok {
		if err := g.host.tree.write(filepath.Join(dir, b.file), b.on); err != nil && !isGone(err) {
			return err
		}
	}
	signalled := map[int]bool{}
	err := poll(time.Now().Add(killLimit), func() (bool, error) { return g.signalNew(signalled) })
	if release := g.release(); !isGone(release) {
		err = errors.Join(err, release)
	}
	return err
}

// signalNew signals the members that were not signalled yet; done means that there
// were none. A pid is signalled through a descriptor that was opened before the
// pid was seen in the group once more: whoever has the pid by then is a member, or
// the signal reaches nobody.
func (g *Group) signalNew(signalled map[int]bool) (done bool, err error) {
	first, err := g.members()
	if err != nil {
		return false, err
	}
	fresh := slices.DeleteFunc(first, func(pid int) bool { return signalled[pid] })
	if len(fresh) == 0 {
		return true, nil
	}
	handles := openPids(fresh)
	defer closeAll(handles)
	again, err := g.members()
	if err != nil {
		return false, err
	}
	for _, pid := range again {
		if fd, ok := handles[pid]; ok {
			signalled[pid] = true
			if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
				return false, fmt.Errorf("signalling process %d: %w", pid, err)
			}
		}
	}
	return false, nil
}

// openPids opens process descriptors; those that are gone are left out.
func openPids(pids []int) map[int]int {
	handles := make(map[int]int, len(pids))
	for _, pid := range pids {
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			handles[pid] = fd
		}
	}
	return handles
}

func closeAll(handles map[int]int) {
	for _, fd := range handles {
		_ = unix.Close(fd)
	}
}

// members lists the processes in any folder of the group, without our own: a
// thread that passed a door and did not come back must not end the daemon.
func (g *Group) members() ([]int, error) {
	var all []int
	for _, dir := range g.dirs {
		text, err := g.host.tree.read(filepath.Join(dir, "cgroup.procs"))
		if isGone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, parsePids(text)...)
	}
	slices.Sort(all)
	self := os.Getpid()
	return slices.DeleteFunc(slices.Compact(all), func(pid int) bool { return pid == self }), nil
}

// parsePids reads a list of pids; 0, a process outside our pid namespace, is left out.
func parsePids(text string) []int {
	var list []int
	for _, field := range strings.Fields(text) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 0 {
			list = append(list, pid)
		}
	}
	return list
}
