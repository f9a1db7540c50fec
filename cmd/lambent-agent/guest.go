package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/caps"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/agent/wire"
	"lambent.dev/lambent/internal/sandbox/output"
)

// guest is the world of a virtual machine, in which the agent is what the kernel starts: a
// serial port to the host, and devices.
type guest struct {
	wire    *wire.Conn
	words   []string            // of the kernel's command line
	vsock   *vsockPort          // under the wire; nil where that is a serial port
	devices map[string]*os.File // block devices by the names that the host gave them
	groups  *groups
	launch  *launcher // since finish
	setID   bool      // set-id bits work
	awake   bool      // it is no snapshot any more
	waiting *waiting  // what Preload started; nil without. Main thread only
}

func (g *guest) receive(r *agentproto.Request) error {
	packet, err := g.wire.Receive()
	if err != nil {
		return io.EOF // a serial port has no other end than the machine's
	}
	return json.Unmarshal(packet, r)
}

func (g *guest) send(m agentproto.Message) error {
	packet, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return g.wire.Send(packet)
}

// ask answers what only guests are asked.
func (g *guest) ask(b *box, r *agentproto.Request) (func() (*agentproto.Used, error), bool) {
	nothing := func(err error) (func() (*agentproto.Used, error), bool) {
		return func() (*agentproto.Used, error) { return nil, err }, true
	}
	switch {
	case r.Usage != nil:
		return g.groups.used, true
	case r.Sync != nil:
		return func() (*agentproto.Used, error) { b.syncOutput(r.Sync.Ticket); return nil, nil }, true
	case r.Clock != nil:
		return nothing(setClock(r.Clock.Time))
	case r.Wake != nil:
		return nothing(g.wake(*r.Wake))
	case r.Preload != nil:
		pid, err := g.preload(b, r.Preload)
		if err != nil {
			return nothing(err)
		}
		return func() (*agentproto.Used, error) { awaitQuiet(pid); return nil, nil }, true
	case r.Rehearse != nil:
		return nothing(g.rehearse(r.Rehearse))
	case r.Adopt != nil:
		return nothing(g.adopt(b, r.Adopt))
	}
	return nil, false
}

// crowd is some 64 streams: Linux counts what a packet takes of its memory, about 1 KiB.
func (g *guest) crowd() int { return 64 << 10 }

// syncOutput delivers what a command wrote before. One that ended has been.
func (b *box) syncOutput(ticket uint64) {
	b.mu.Lock()
	var found []sink
	for _, outputs := range b.outputs {
		for _, s := range outputs {
			if s.ticket == ticket {
				found = append(found, s)
			}
		}
	}
	b.mu.Unlock()
	for _, s := range found {
		s.sync()
	}
}

// open makes a pipe whose content goes to the stream of a ticket.
func (g *guest) open(name string) (sink, error) {
	out, theirs, err := output.Pipe()
	if err != nil {
		return sink{}, err
	}
	defer theirs.Close()
	fd, err := unix.FcntlInt(theirs.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		out.Close()
		return sink{}, os.NewSyscallError("fcntl", err)
	}
	s, err := g.carryOutput(out, name)
	if err != nil {
		_ = unix.Close(fd)
		out.Close()
		return sink{}, err
	}
	s.fd = fd
	return s, nil
}

// carryOutput carries what comes out of a pipe to the stream of a ticket.
func (g *guest) carryOutput(out *output.Output, name string) (sink, error) {
	ticket, err := strconv.ParseUint(name, 10, 64)
	if err != nil {
		return sink{}, fmt.Errorf("output %q is no ticket", name)
	}
	stream, err := g.wire.Open(ticket)
	if err != nil {
		return sink{}, err
	}
	out.Begin(stream)
	return sink{ticket: ticket, sync: out.Sync, close: func() { out.Close(); _ = stream.CloseWrite(); _ = stream.Close() }}, nil
}

// stream joins a stream of the host with a socket for a command, until both ways have ended.
func (g *guest) stream(ticket uint64) (int, error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socketpair", err)
	}
	if err := g.joinSocket(ends[0], ticket); err != nil {
		_ = unix.Close(ends[1])
		return -1, err
	}
	return ends[1], nil
}

// joinSocket joins a socket, which it takes over, with a stream of the host.
func (g *guest) joinSocket(fd int, ticket uint64) error {
	inside, err := unixConn(fd)
	if err != nil {
		return err
	}
	outside, err := g.wire.Open(ticket)
	if err != nil {
		_ = inside.Close()
		return err
	}
	go joinEnds(inside, outside)
	return nil
}

func (g *guest) connect(ticket uint64) (end, error) { return g.wire.Open(ticket) }

// dropRights keeps what commands and the clock take.
func (g *guest) dropRights() error {
	return caps.Keep(unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_KILL, unix.CAP_SYS_RESOURCE, unix.CAP_SYS_TIME)
}

func (g *guest) fork(f func() (int, error)) (int, error) { return g.launch.do(f) }
