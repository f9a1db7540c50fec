package gvisor

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox/agent"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/output"
)

const (
	// ticketLimit bounds how long a connection may take to show its ticket.
	ticketLimit = 10 * time.Second
	// ticketCrowd bounds how many connections may be about to.
	ticketCrowd = 64
)

// door is where an agent fetches what it needs of the host: pipes, and a socket to which it
// connects for streams. A connection shows a ticket, which says what it is for; without one
// that is expected it is closed.
type door struct {
	agent.Tickets
	dir      string
	listener *net.UnixListener
	ended    sync.WaitGroup
	crowd    chan struct{}
}

var _ agent.Pipes = (*door)(nil)

// openDoor listens in a folder.
func openDoor(dir string) (*door, error) {
	l, err := listenIn(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the door: %w", err)
	}
	d := &door{dir: dir, listener: l, crowd: make(chan struct{}, ticketCrowd)}
	d.ended.Go(d.serve)
	return d, nil
}

// listenIn makes a socket in a folder. The path of a socket has 107 bytes at most (unix(7)):
// the folder's descriptor makes it short.
func listenIn(dir string) (*net.UnixListener, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	path := fmt.Sprintf("/proc/self/fd/%d/%s", f.Fd(), agentproto.Socket)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // its path will mean something else
	return l, nil
}

func (d *door) serve() {
	for {
		conn, err := d.listener.Accept()
		if err != nil {
			return
		}
		select {
		case d.crowd <- struct{}{}:
			d.ended.Go(func() {
				d.admit(conn)
				<-d.crowd
			})
		default:
			_ = conn.Close() // our agent does not come in crowds that say nothing
		}
	}
}

func (d *door) admit(conn net.Conn) {
	var ticket [8]byte
	_ = conn.SetReadDeadline(time.Now().Add(ticketLimit)) // reading says if it failed
	_, err := io.ReadFull(conn, ticket[:])
	_ = conn.SetReadDeadline(time.Time{})
	if err != nil || !d.Hand(conn, binary.BigEndian.Uint64(ticket[:])) {
		_ = conn.Close()
	}
}

// Open implements agent.Pipes.
func (d *door) Open(unique string, w io.Writer) (string, agent.Output, error) {
	p, err := d.pipe(unique)
	if err != nil {
		return "", nil, err
	}
	o, err := output.Of(p.reader)
	if err != nil {
		p.close()
		return "", nil, err
	}
	o.Begin(w)
	return unique, &outlet{pipe: p, output: o}, nil
}

// outlet is where a command writes.
type outlet struct {
	pipe   *pipe
	output *output.Output
}

// Began implements agent.Output.
func (o *outlet) Began() { _ = o.pipe.writer.Close() }

// Sync implements agent.Output. What a process in gVisor has written is in the host's pipe.
func (o *outlet) Sync(ctx context.Context) error {
	return output.Sync(ctx, []*output.Output{o.output})
}

// Finish implements agent.Output.
func (o *outlet) Finish() {
	o.output.Sync()
	o.output.Close()
	o.pipe.close()
}

// pipe makes a pipe with a name. Whoever opens the name for writing writes into it: a
// process inside may open its /dev/stdout again, so others than root may, too.
func (d *door) pipe(name string) (*pipe, error) {
	p := &pipe{path: d.dir + "/" + name}
	if err := unix.Mkfifo(p.path, 0o600); err != nil {
		return nil, &os.PathError{Op: "mkfifo", Path: p.path, Err: err}
	}
	err := os.Chmod(p.path, 0o622)
	if err == nil {
		p.reader, err = os.OpenFile(p.path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	}
	if err == nil {
		p.writer, err = os.OpenFile(p.path, os.O_WRONLY|unix.O_NONBLOCK, 0)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// pipe is a pipe with a name.
type pipe struct {
	path   string
	reader *os.File
	writer *os.File // held until the agent has opened it: a pipe without a writer is at its end
}

func (p *pipe) close() {
	_ = os.Remove(p.path)
	_ = p.reader.Close() // nil is an error, too
	_ = p.writer.Close()
}

// close ends the door and waits for its goroutines.
func (d *door) close() {
	_ = d.listener.Close()
	d.Tickets.Close()
	d.ended.Wait()
}
