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

	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/gvisor/agentproto"
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
	dir      string
	listener *net.UnixListener
	ended    sync.WaitGroup
	crowd    chan struct{}

	mu      sync.Mutex // protects the fields below
	last    uint64
	expects map[uint64]func(net.Conn) // must not block; takes the connection over
}

// openDoor listens in a folder.
func openDoor(dir string) (*door, error) {
	l, err := listenIn(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the door: %w", err)
	}
	d := &door{dir: dir, listener: l, crowd: make(chan struct{}, ticketCrowd), expects: make(map[uint64]func(net.Conn))}
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
	if err != nil || !d.hand(conn, binary.BigEndian.Uint64(ticket[:])) {
		_ = conn.Close()
	}
}

// hand gives a connection to whom expects it. After forget that is nobody.
func (d *door) hand(conn net.Conn, ticket uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	take := d.expects[ticket]
	if take != nil {
		take(conn)
	}
	return take != nil
}

// expect makes a ticket with which take is called, until forget.
func (d *door) expect(take func(net.Conn)) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	d.expects[d.last] = take
	return d.last
}

func (d *door) forget(ticket uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.expects, ticket)
}

// visit is one connection that is expected.
type visit struct {
	door   *door
	ticket uint64
	came   chan net.Conn // holds one
}

func (d *door) expectOne() *visit {
	v := &visit{door: d, came: make(chan net.Conn, 1)}
	v.ticket = d.expect(func(conn net.Conn) {
		select {
		case v.came <- conn:
		default:
			_ = conn.Close() // a ticket is good once
		}
	})
	return v
}

// take waits for the connection.
func (v *visit) take(ctx context.Context, ended <-chan struct{}) (net.Conn, error) {
	select {
	case conn := <-v.came:
		return conn, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-ended:
		return nil, sandbox.ErrClosed
	}
}

// end ends the expectation and closes a connection that nobody took.
func (v *visit) end() {
	v.door.forget(v.ticket)
	select {
	case conn := <-v.came:
		_ = conn.Close()
	default:
	}
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
	d.mu.Lock()
	clear(d.expects)
	d.mu.Unlock()
	d.ended.Wait()
}
