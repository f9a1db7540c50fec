package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
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
	if channel >= 0 {
		b.mu.Lock()
		b.channels[r.ID] = channel
		b.mu.Unlock()
	}
	if err == nil {
		err = b.children.Start(r.ID, func() (int, error) { return b.fork(r, files) })
	}
	if err != nil {
		b.dropChannel(r.ID)
	}
	return err
}

func (b *box) dropChannel(id uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if channel, has := b.channels[id]; has {
		delete(b.channels, id)
		_ = unix.Close(channel)
	}
}

// files opens what the command inherits from descriptor 1 on; channel is the agent's end of
// its stream channel, -1 without one.
func (b *box) files(r *agentproto.Run) (files []int, channel int, err error) {
	stdout, err := openPipe(r.Stdout)
	if err != nil {
		return nil, -1, err
	}
	files = append(files, stdout)
	stderr := stdout
	if r.Stderr != "" {
		if stderr, err = openPipe(r.Stderr); err != nil {
			return files, -1, err
		}
		files = append(files, stderr)
	} else {
		files = append(files, stdout)
	}
	if files, channel, err = b.channel(r, files); err != nil || r.Start == 0 {
		return files, channel, err
	}
	start, err := b.stream(r.Start)
	if err != nil {
		return files, channel, err
	}
	return append(files, start), channel, nil
}

// channel adds the command's stream, or its end of the channel over which streams come.
func (b *box) channel(r *agentproto.Run, files []int) ([]int, int, error) {
	switch {
	case r.Direct != 0:
		one, err := b.stream(r.Direct)
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

// openPipe opens a pipe of the host for writing.
func openPipe(name string) (int, error) {
	path := filepath.Join(agentproto.Door, name)
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

// stream connects to the host with a ticket.
func (b *box) stream(ticket uint64) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := present(fd, ticket); err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("connecting to the host: %w", err)
	}
	return fd, nil
}

func present(fd int, ticket uint64) error {
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: filepath.Join(agentproto.Door, agentproto.Socket)}); err != nil {
		return os.NewSyscallError("connect", err)
	}
	_, err := unix.Write(fd, binary.BigEndian.AppendUint64(nil, ticket))
	return os.NewSyscallError("write", err)
}

// crowd is how many streams may wait in a channel, in bytes of one each. Each of them holds
// descriptors of gVisor's on the host, whose number is limited, too.
const crowd = 64

// patience is how long it waits before it looks at a full channel again.
const patience = 5 * time.Millisecond

// open connects a stream and gives it to a command. It waits while the command has not taken
// earlier ones; the command's end ends that.
func (b *box) open(o *agentproto.Open) error {
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
	if err := await(channel); err != nil {
		return err
	}
	fd, err := b.stream(o.Ticket)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	return os.NewSyscallError("sendmsg", unix.Sendmsg(channel, []byte{0}, unix.UnixRights(fd), nil, unix.MSG_NOSIGNAL))
}

// await returns when there is room in a channel.
func await(channel int) error {
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
