package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/output"
)

// waiting is a command that was started before its workload is known.
type waiting struct {
	out     *output.Output // not begun
	start   int            // where its workload is written
	direct  int            // the agent's end of its one stream; -1 without
	channel int            // the agent's end of its stream channel; -1 without
}

// preload starts a command that reads its workload from the descriptor that LAMBENT_START names.
func (g *guest) preload(b *box, p *agentproto.Preload) (pid int, err error) {
	if g.waiting != nil || g.launch == nil || len(p.Targets) != len(p.Names) {
		return 0, errors.New("preloading is out of order")
	}
	if err := g.show(p.Targets, p.Names); err != nil {
		return 0, err
	}
	r := &p.Run
	w, files, err := newWaiting(r)
	defer closeAll(files)
	if err != nil {
		return 0, err
	}
	r.Env = append(r.Env, fmt.Sprintf("LAMBENT_START=fd:%d", len(files)))
	b.keepChannel(r.ID, w.channel)
	err = b.children.Start(r.ID, func() (int, error) {
		pid, err = g.fork(func() (int, error) { return b.fork(r, files) })
		return pid, err
	})
	if err != nil {
		w.close()
		b.drop(r.ID)
		return 0, err
	}
	g.waiting = w
	return pid, nil
}

// How long something must do nothing to be said to wait, and how long that is waited for.
const (
	quietFor   = 100 * time.Millisecond
	quietLimit = 30 * time.Second
)

// awaitQuiet returns when a process does nothing any more: it has loaded what it loads. It is
// an economy, so that it ends early or late does not matter.
func awaitQuiet(pid int) {
	path := fmt.Sprintf("/proc/%d/stat", pid)
	used, since := "", time.Now()
	for end := time.Now().Add(quietLimit); time.Now().Before(end); time.Sleep(quietFor / 10) {
		text, err := os.ReadFile(path)
		if err != nil {
			return // it ended
		}
		if now := timesOf(string(text)); now != used {
			used, since = now, time.Now()
		}
		if time.Since(since) > quietFor {
			return
		}
	}
}

// timesOf are the fields utime and stime, the 14th and 15th (proc_pid_stat(5)).
func timesOf(stat string) string {
	_, after, _ := strings.Cut(stat, ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return ""
	}
	return fields[11] + " " + fields[12]
}

// newWaiting makes what the command inherits from descriptor 1 on.
func newWaiting(r *agentproto.Run) (w *waiting, files []int, err error) {
	out, theirs, err := output.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer theirs.Close()
	w = &waiting{out: out, start: -1, direct: -1, channel: -1}
	fd, err := unix.FcntlInt(theirs.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		w.close()
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	files = append(files, fd, fd)
	for _, s := range w.sockets(r) {
		ends, err := unix.Socketpair(unix.AF_UNIX, s.kind|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			w.close()
			return nil, files, os.NewSyscallError("socketpair", err)
		}
		*s.ours = ends[0]
		files = append(files, ends[1])
	}
	return w, files, nil
}

// waitingSocket is one that is made for the command.
type waitingSocket struct {
	ours *int
	kind int
}

// sockets are in the order of the command's descriptors.
func (w *waiting) sockets(r *agentproto.Run) []waitingSocket {
	start := waitingSocket{&w.start, unix.SOCK_STREAM}
	switch {
	case r.Stream && r.Direct != 0:
		return []waitingSocket{{&w.direct, unix.SOCK_STREAM}, start}
	case r.Stream:
		return []waitingSocket{{&w.channel, unix.SOCK_SEQPACKET}, start}
	}
	return []waitingSocket{start}
}

func (w *waiting) close() {
	w.out.Close()
	closeAll([]int{w.start, w.direct}) // -1 is an error, which does not matter
}

// adopt gives what waits its workload, and joins it with the host.
func (g *guest) adopt(b *box, a *agentproto.Adopt) error {
	w := g.waiting
	g.waiting = nil
	if w == nil {
		return unix.ESRCH
	}
	if b.children.Signal(agentproto.PreloadID, 0) != nil {
		w.close()
		return unix.ESRCH
	}
	s, err := g.carryOutput(w.out, a.Stdout)
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.outputs[agentproto.PreloadID] = []sink{s}
	b.mu.Unlock()
	if w.direct >= 0 {
		if err := g.joinSocket(w.direct, a.Direct); err != nil {
			return err
		}
	}
	defer unix.Close(w.start)
	return writeAll(w.start, a.Workload)
}

func writeAll(fd int, text []byte) error {
	for len(text) > 0 {
		n, err := unix.Write(fd, text)
		if err != nil {
			return os.NewSyscallError("write", err)
		}
		text = text[n:]
	}
	return nil
}
