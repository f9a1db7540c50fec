package light

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
	"lambent.dev/lambent/internal/sandbox/stream"
)

// spawner is a small process that starts the inits and zygotes of a driver, so that the
// daemon with all its memory is not copied for each. The thread that started it lives as
// long: its end is a signal to the spawner, whose end is one to all that it started. One that
// was killed is started again by whoever needs it next.
type spawner struct {
	init string
	host *cgroup.Host

	mu      sync.Mutex    // one request at a time; protects the fields below
	process *os.Process   // nil = it could not be started again
	release chan struct{} // closed to let the thread end
	socket  *os.File
	packet  []byte
}

// startSpawner starts a spawner. It lives outside of all boxes and runs only our own
// program.
func startSpawner(init string, host *cgroup.Host) (*spawner, error) {
	s := &spawner{init: init, host: host, packet: make([]byte, initproto.MaxPacket)}
	return s, s.start()
}

// start starts the process. Preconditions: mu is held, or nobody else knows s.
func (s *spawner) start() (err error) {
	var undo cleanup.Stack
	defer undo.Run(&err)
	ours, theirs, err := stream.Pair(unix.SOCK_SEQPACKET)
	if err != nil {
		return err
	}
	defer func() { _ = theirs.Close() }()
	s.socket, s.release = ours, make(chan struct{})
	undo.Add(ours.Close)
	started := make(chan error)
	go s.thread(s.release, theirs, started)
	if err := <-started; err != nil {
		return fmt.Errorf("starting the spawner: %w", err)
	}
	undo.Add(func() error { s.finish(); return nil })
	if err := s.tellHome(); err != nil {
		return fmt.Errorf("starting the spawner: %w", err)
	}
	undo.Release()
	return nil
}

// thread starts the process on a thread of its own and keeps that.
func (s *spawner) thread(release <-chan struct{}, control *os.File, started chan<- error) {
	runtime.LockOSThread()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err == nil {
		s.process, err = os.StartProcess(s.init, []string{"lambent-init", initproto.SpawnWord}, &os.ProcAttr{
			Dir: "/", Env: initEnv, Files: []*os.File{null, null, null, control},
			Sys: &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
		})
		_ = null.Close()
	}
	started <- err
	if err == nil {
		<-release
	}
}

// tellHome opens the doors of this program's own groups, in which the spawner was born.
func (s *spawner) tellHome() error {
	home, err := s.host.Home()
	if err != nil {
		return err
	}
	defer closeFiles(home)
	return initproto.Send(int(s.socket.Fd()), struct{}{}, descriptorsOf(home)...)
}

// place is where a program is to be.
type place struct {
	root    *os.File // mount namespace
	network *os.File // nil = the host's
	group   *cgroup.Group
	flags   uintptr // of clone(2)
	firstID int     // of a user namespace, where flags ask for one
	owner   int     // of that: who pays for what the kernel counts by user; 0 = root
}

// spawn starts a program in a place; files become its descriptors from 0 on. The caller
// waits for the child and closes it.
func (s *spawner) spawn(where place, r initproto.Spawn, files []*os.File) (*child, error) {
	doors, err := where.group.ThreadDoors()
	if err != nil {
		return nil, err
	}
	defer closeFiles(doors)
	fds := []int{int(where.root.Fd())}
	if where.network != nil {
		r.Network, fds = true, append(fds, int(where.network.Fd()))
	}
	if fd, ok := where.group.CloneFD(); ok {
		r.Group, fds = true, append(fds, fd)
	}
	r.Doors, r.Files, r.Flags = len(doors), len(files), where.flags
	if where.flags&unix.CLONE_NEWUSER != 0 {
		r.FirstID, r.IDs, r.Owner = where.firstID, idsOfBox, where.owner
	}
	pidfd, err := s.ask(r, append(append(fds, descriptorsOf(doors)...), descriptorsOf(files)...))
	if err != nil {
		return nil, err
	}
	return newChild(pidfd)
}

// ask has the spawner start a program; one that is gone has started nothing that lives, so
// another is asked the same.
func (s *spawner) ask(r initproto.Spawn, fds []int) (pidfd int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		if pidfd, err = s.askOnce(r, fds); !isGone(err) {
			return pidfd, err
		}
		s.finish()
	}
	if err := s.start(); err != nil {
		return -1, err
	}
	return s.askOnce(r, fds)
}

// isGone says that the other end of the socket is closed, which the spawner's end alone does.
func isGone(err error) bool {
	return errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, io.EOF)
}

func (s *spawner) askOnce(r initproto.Spawn, fds []int) (pidfd int, err error) {
	socket := int(s.socket.Fd())
	if err := initproto.Send(socket, r, fds...); err != nil {
		return -1, fmt.Errorf("asking the spawner: %w", err)
	}
	var reply initproto.Spawned
	got, err := initproto.ReceiveInto(socket, s.packet, 1, &reply)
	switch {
	case err != nil:
		return -1, fmt.Errorf("asking the spawner: %w", err)
	case reply.Error != "":
		return -1, errors.New(reply.Error)
	case len(got) != 1:
		return -1, errors.New("asking the spawner: no pidfd came")
	}
	return got[0], nil
}

// End ends the spawner. Nothing that it started lives any more.
func (s *spawner) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finish()
}

// finish waits for a process whose socket is closed, at one end or the other, and lets its
// thread end. Preconditions: as start's.
func (s *spawner) finish() {
	_ = s.socket.Close()
	if s.process == nil {
		return
	}
	timer := time.AfterFunc(destroyLimit, func() { _ = s.process.Kill() })
	defer timer.Stop()
	_, _ = s.process.Wait() // it ends with its socket
	s.process = nil
	close(s.release)
}

// useSpawner returns the driver's spawner, starting it for the first user. Templates,
// boxes and zygotes are users.
func (d *Driver) useSpawner(ctx context.Context, host *cgroup.Host) (*spawner, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return d.spawner.Use(func() (*spawner, error) { return startSpawner(d.options.Init, host) })
}
