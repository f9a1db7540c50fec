package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/output"
)

// waiting is a command that was started before its workload is known.
type waiting struct {
	out    *output.Output // not begun
	start  int            // where its workload is written
	direct int            // the agent's end of its one stream; -1 without
}

// preload starts a command that reads its workload from the descriptor that LAMBENT_START names.
func (g *guest) preload(b *box, r *agentproto.Run) error {
	if g.waiting != nil || g.launch == nil {
		return errors.New("preloading is out of order")
	}
	w, files, err := newWaiting(r)
	defer closeAll(files)
	if err != nil {
		return err
	}
	r.Env = append(r.Env, fmt.Sprintf("LAMBENT_START=fd:%d", len(files)))
	if err := b.start(r, files); err != nil {
		w.close()
		return err
	}
	g.waiting = w
	return nil
}

// newWaiting makes what the command inherits from descriptor 1 on.
func newWaiting(r *agentproto.Run) (w *waiting, files []int, err error) {
	out, theirs, err := output.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer theirs.Close()
	w = &waiting{out: out, start: -1, direct: -1}
	fd, err := unix.FcntlInt(theirs.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		w.close()
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	files = append(files, fd, fd)
	for _, ours := range w.sockets(r) {
		ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			w.close()
			return nil, files, os.NewSyscallError("socketpair", err)
		}
		*ours = ends[0]
		files = append(files, ends[1])
	}
	return w, files, nil
}

// sockets are the agent's ends, in the order of the command's descriptors.
func (w *waiting) sockets(r *agentproto.Run) []*int {
	if r.Stream {
		return []*int{&w.direct, &w.start}
	}
	return []*int{&w.start}
}

func (w *waiting) close() {
	w.out.Close()
	closeAll([]int{w.start, w.direct}) // -1 is an error, which does not matter
}

// adopt gives what waits its workload, and joins it with the host.
func (g *guest) adopt(b *box, a *agentproto.Adopt) error {
	w := g.waiting
	g.waiting = nil
	if w == nil || b.children.Signal(agentproto.PreloadID, 0) != nil {
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
