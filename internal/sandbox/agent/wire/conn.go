package wire

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
)

// packetCrowd is how many packets may wait for Receive.
const packetCrowd = 256

// Conn is one end. Its methods may be called from many goroutines, but Receive from one. One
// goroutine reads the connection until Close or its end.
type Conn struct {
	under   io.ReadWriteCloser
	accept  func(ticket uint64, s *Stream) // nil at the end that opens
	packets chan []byte
	ends    chan struct{} // closed when it ends
	ended   chan struct{} // closed when nothing more will be read

	writing sync.Mutex // held while a frame is written
	out     []byte     // guarded by writing

	mu      sync.Mutex // protects the fields below
	streams map[uint32]*Stream
	last    uint32
	err     error // why it ended; nil while it lives
}

// Host is the end that accepts streams. accept must not block; it takes the stream over.
func Host(under io.ReadWriteCloser, accept func(ticket uint64, s *Stream)) *Conn {
	return start(under, accept)
}

// Guest is the end that opens streams.
func Guest(under io.ReadWriteCloser) *Conn { return start(under, nil) }

func start(under io.ReadWriteCloser, accept func(uint64, *Stream)) *Conn {
	c := &Conn{
		under: under, accept: accept, packets: make(chan []byte, packetCrowd), ends: make(chan struct{}),
		ended: make(chan struct{}), streams: make(map[uint32]*Stream),
	}
	go c.read()
	return c
}

// read hands on what comes.
func (c *Conn) read() {
	defer close(c.ended)
	defer close(c.packets)
	r, buf := bufio.NewReaderSize(c.under, 64<<10), make([]byte, MaxPacket)
	for {
		f, err := readFrame(r, buf)
		if err == nil {
			err = c.take(f)
		}
		if err != nil {
			c.fail(err)
			return
		}
	}
}

// fail ends the connection and all its streams.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	first := c.err == nil
	if first {
		c.err = err
	}
	streams := c.streams
	c.streams = make(map[uint32]*Stream)
	c.mu.Unlock()
	for _, s := range streams {
		s.gone()
	}
	if first {
		close(c.ends)
		_ = c.under.Close() // the first error counts
	}
}

func (c *Conn) take(f frame) error {
	switch f.kind {
	case packetKind:
		return c.takePacket(f.body)
	case openKind:
		return c.takeOpen(f)
	}
	c.mu.Lock()
	s := c.streams[f.stream]
	c.mu.Unlock()
	if s == nil {
		return nil // it was closed here, and the other end did not know yet
	}
	return s.take(f)
}

func (c *Conn) takePacket(body []byte) error {
	select {
	case c.packets <- append([]byte(nil), body...):
		return nil
	case <-c.ends:
		return net.ErrClosed
	}
}

func (c *Conn) takeOpen(f frame) error {
	s := newStream(c, f.stream)
	c.mu.Lock()
	ok := c.accept != nil && f.stream == c.last+1 && len(c.streams) < maxStreams && c.err == nil
	if ok {
		c.last = f.stream
		c.streams[f.stream] = s
	}
	c.mu.Unlock()
	if !ok {
		return fmt.Errorf("%w: stream %d is opened", errProtocol, f.stream)
	}
	c.accept(binary.BigEndian.Uint64(f.body), s)
	return nil
}

// Open opens a stream; the guest's end only.
func (c *Conn) Open(ticket uint64) (*Stream, error) {
	// Streams are announced in the order of their numbers.
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return nil, c.err
	}
	c.last++
	s := newStream(c, c.last)
	c.streams[s.id] = s
	c.mu.Unlock()
	return s, c.write(frame{openKind, s.id, binary.BigEndian.AppendUint64(nil, ticket)})
}

// Forget numbers streams from the beginning again, for a new host. There are none now.
func (c *Conn) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = 0
}

// Send sends a packet of 1 to MaxPacket bytes.
func (c *Conn) Send(packet []byte) error {
	if len(packet) == 0 || len(packet) > MaxPacket {
		return fmt.Errorf("a packet of %d bytes: it has 1 to %d", len(packet), MaxPacket)
	}
	return c.send(frame{packetKind, 0, packet})
}

// Receive returns the next packet; io.EOF after the end.
func (c *Conn) Receive() ([]byte, error) {
	packet, open := <-c.packets
	if !open {
		return nil, io.EOF
	}
	return packet, nil
}

func (c *Conn) send(f frame) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.write(f)
}

// write needs the lock writing.
func (c *Conn) write(f frame) error {
	c.out = f.append(c.out[:0])
	_, err := c.under.Write(c.out)
	return err
}

func (c *Conn) forget(id uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.streams, id)
}

// Close ends the connection and waits for its goroutine.
func (c *Conn) Close() error {
	c.fail(net.ErrClosed)
	<-c.ended
	return nil
}

// Err is why the connection ended; nil while it lives.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}
