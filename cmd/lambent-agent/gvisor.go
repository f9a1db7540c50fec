package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/caps"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// gvisor is the world inside gVisor: a socket for the conversation, and the door.
type gvisor struct {
	control int
	packet  []byte
}

func newGVisor(control int) *gvisor {
	unix.CloseOnExec(control)
	return &gvisor{control: control, packet: make([]byte, initproto.MaxPacket)}
}

func (g *gvisor) receive(r *agentproto.Request) error {
	_, err := initproto.ReceiveInto(g.control, g.packet, 0, r)
	return err
}

func (g *gvisor) send(m agentproto.Message) error { return initproto.Send(g.control, m) }

// ask freezes inside: the host's freezer would stop gVisor's own threads, too.
func (g *gvisor) ask(_ *box, r *agentproto.Request) (func() (*agentproto.Used, error), bool) {
	if r.Freeze == nil {
		return nil, false
	}
	act := thaw
	if r.Freeze.Frozen {
		act = freeze
	}
	err := act()
	return func() (*agentproto.Used, error) { return nil, err }, true
}

// crowd is 64 streams, of one byte each. Each holds descriptors of gVisor's on the host, whose
// number is limited, too.
func (g *gvisor) crowd() int { return 64 }

// open opens a pipe of the host for writing.
func (g *gvisor) open(name string) (sink, error) {
	path := filepath.Join(agentproto.Door, name)
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return sink{}, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return sink{fd: fd}, nil
}

// stream connects to the host with a ticket.
func (g *gvisor) stream(ticket uint64) (int, error) {
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

func (g *gvisor) connect(ticket uint64) (end, error) {
	fd, err := g.stream(ticket)
	if err != nil {
		return nil, err
	}
	return unixConn(fd)
}

// unixConn makes a connection of a socket and takes it over.
func unixConn(fd int) (*net.UnixConn, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	f := os.NewFile(uintptr(fd), "stream")
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}

// needless are devices that gVisor makes and no function needs.
var needless = []string{"/dev/fuse", "/dev/net", "/dev/ptmx", "/dev/pts", "/dev/char"}

func (g *gvisor) finish(s *agentproto.Setup) error {
	if s.Devices {
		return nil
	}
	for _, path := range needless {
		if err := trim(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// trim removes a device, or a folder of them with what is mounted there.
func trim(path string) error {
	_ = unix.Unmount(path, unix.MNT_DETACH) // most are no mounts
	return os.RemoveAll(path)
}

// bind shows what the host has mounted in the box's private folder already.
func (g *gvisor) bind(b *box, m *agentproto.Bind) error {
	for i, target := range m.Targets {
		source := filepath.Join(agentproto.Code, m.Names[i])
		if err := unix.Mount(source, target, "", unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
			return &os.PathError{Op: "mount", Path: target, Err: err}
		}
	}
	if m.Pids == 0 {
		return nil
	}
	// The kernel counts by user: those of commands. The agent holds a right to pass it.
	return errors.Join(setLimit(unix.RLIMIT_NPROC, uint64(m.Pids)), b.limitWaiting(uint64(m.Pids)))
}

func (g *gvisor) dropRights() error {
	return caps.Keep(unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_KILL, unix.CAP_SYS_RESOURCE)
}

// fork implements world: the box's limits are those of all that is in it.
func (g *gvisor) fork(f func() (int, error)) (int, error) { return f() }
