package main

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/caps"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
)

// run starts a command.
func (b *box) run(r *agentproto.Run) error {
	files, channel, err := b.files(r)
	defer closeAll(files)
	b.keepChannel(r.ID, channel)
	if err == nil {
		err = b.start(r, files)
	}
	if err != nil {
		b.drop(r.ID)
	}
	return err
}

func (b *box) start(r *agentproto.Run, files []int) error {
	return b.children.Start(r.ID, func() (int, error) {
		return b.world.fork(func() (int, error) { return b.fork(r, files) })
	})
}

func (b *box) keepChannel(id uint64, channel int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if channel >= 0 {
		b.channels[id] = channel
	}
}

// drop closes what a command that did not start would have had.
func (b *box) drop(id uint64) {
	b.mu.Lock()
	channel, has := b.channels[id]
	outputs := b.outputs[id]
	delete(b.channels, id)
	delete(b.outputs, id)
	b.mu.Unlock()
	if has {
		_ = unix.Close(channel)
	}
	finish(outputs)
}

// files opens what the command inherits from descriptor 1 on; channel is the agent's end of
// its stream channel, -1 without one.
func (b *box) files(r *agentproto.Run) (files []int, channel int, err error) {
	stdout, err := b.open(r.ID, r.Stdout)
	if err != nil {
		return nil, -1, err
	}
	files = append(files, stdout)
	stderr := stdout
	if r.Stderr != "" {
		if stderr, err = b.open(r.ID, r.Stderr); err != nil {
			return files, -1, err
		}
	}
	files = append(files, stderr)
	if files, channel, err = b.channel(r, files); err != nil || r.Start == 0 {
		return files, channel, err
	}
	start, err := b.world.stream(r.Start)
	if err != nil {
		return files, channel, err
	}
	return append(files, start), channel, nil
}

// channel adds the command's stream, or its end of the channel over which streams come.
func (b *box) channel(r *agentproto.Run, files []int) ([]int, int, error) {
	switch {
	case r.Direct != 0:
		one, err := b.world.stream(r.Direct)
		if err != nil {
			return files, -1, err
		}
		return append(files, one), -1, nil
	case r.Stream:
		ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return files, -1, os.NewSyscallError("socketpair", err)
		}
		return append(files, ends[1]), ends[0], nil
	}
	return files, -1, nil
}

// open opens where a command writes, and keeps what must be done at its end.
func (b *box) open(id uint64, name string) (int, error) {
	s, err := b.world.open(name)
	if err != nil {
		return -1, err
	}
	if s.sync != nil {
		b.mu.Lock()
		b.outputs[id] = append(b.outputs[id], s)
		b.mu.Unlock()
	}
	return s.fd, nil
}

// patience is how long it waits before it looks at a full channel again.
const patience = 5 * time.Millisecond

// openStream connects a stream and gives it to a command. It waits while the command has not taken
// earlier ones; the command's end ends that.
func (b *box) openStream(o *agentproto.Open) error {
	b.mu.Lock()
	channel, has := b.channels[o.ID]
	if has {
		channel, _ = unix.FcntlInt(uintptr(channel), unix.F_DUPFD_CLOEXEC, 0)
	}
	b.mu.Unlock()
	if !has || channel < 0 {
		return unix.EPIPE
	}
	defer func() { _ = unix.Close(channel) }()
	if err := awaitRoom(channel, b.world.crowd()); err != nil {
		return err
	}
	fd, err := b.world.stream(o.Ticket)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	return os.NewSyscallError("sendmsg", unix.Sendmsg(channel, []byte{0}, unix.UnixRights(fd), nil, unix.MSG_NOSIGNAL))
}

// awaitRoom returns when there is room in a channel.
func awaitRoom(channel, crowd int) error {
	for {
		waiting, err := unix.IoctlGetInt(channel, unix.TIOCOUTQ)
		if err != nil {
			return unix.EPIPE // the command ended
		}
		if waiting < crowd {
			return nil
		}
		time.Sleep(patience)
	}
}

func (b *box) fork(r *agentproto.Run, files []int) (int, error) {
	pid, err := syscall.ForkExec(r.Path, r.Args, b.attributes(r, files))
	if err != nil {
		return 0, &os.PathError{Op: "starting", Path: r.Path, Err: err}
	}
	return pid, nil
}

func (b *box) attributes(r *agentproto.Run, files []int) *syscall.ProcAttr {
	inherited := []uintptr{uintptr(b.null)}
	for _, fd := range files {
		inherited = append(inherited, uintptr(fd))
	}
	sys := &syscall.SysProcAttr{Setsid: true}
	if b.setup.Privileged {
		sys.AmbientCaps = caps.Held()
	} else {
		sys.Credential = &syscall.Credential{Uid: uint32(b.setup.UID), Gid: uint32(b.setup.GID)}
	}
	return &syscall.ProcAttr{Dir: r.Dir, Env: r.Env, Files: inherited, Sys: sys}
}

// closeAll closes each descriptor once: stdout may be there twice.
func closeAll(fds []int) {
	closed := map[int]bool{}
	for _, fd := range fds {
		if !closed[fd] {
			closed[fd] = true
			_ = unix.Close(fd)
		}
	}
}
