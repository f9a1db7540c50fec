package fake

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"

	"lambent.dev/lambent/internal/sandbox"
)

// Frame types of the framed codec, see package runtimeapi.
const (
	frameInvoke    = 0x01
	frameReady     = 0x81
	frameInitError = 0x82
	frameResponse  = 0x83
	frameError     = 0x84
	frameBegun     = 0x85
	flagMore       = 0x01
)

// errStruck ends the runtime because a fault did.
var errStruck = errors.New("a fault struck")

// serve is the life of a runtime: streams are served as they come, until it is
// killed or the host closes one.
func (p *process) serve(proc *Proc) sandbox.Exit {
	var streams sync.WaitGroup
	defer streams.Wait()
	for {
		select {
		case <-p.ctx.Done():
			return sandbox.Exit{Signal: syscall.SIGKILL}
		case c := <-p.arrived:
			streams.Go(func() { p.serveStream(proc, c) })
		}
	}
}

func (p *process) serveStream(proc *Proc, c net.Conn) {
	if err := p.converse(proc, c); !errors.Is(err, errStruck) {
		p.kill(sandbox.Exit{}) // a closed stream tells the runtime to exit
	}
}

// converse speaks until the stream breaks or a fault strikes; it says which.
func (p *process) converse(proc *Proc, c net.Conn) error {
	if err := writeFrame(c, frameBegun, 0, nil); err != nil {
		return err
	}
	if err := p.strike(Init); err != nil {
		return err
	}
	if err := p.initialise(proc, c); err != nil {
		return err
	}
	for count := 1; ; count++ {
		if err := p.handleOne(proc, c, count); err != nil {
			return err
		}
	}
}

func (p *process) initialise(proc *Proc, c net.Conn) error {
	if init := p.box.driver.script.Runtime.Init; init != nil {
		if failed := init(p.ctx, proc); failed != nil {
			return writeFrame(c, frameInitError, 0, failed)
		}
	}
	return writeFrame(c, frameReady, 0, nil)
}

func (p *process) handleOne(proc *Proc, c net.Conn, count int) error {
	call, err := readInvoke(c)
	if err != nil {
		return err
	}
	call.Proc, call.Count = proc, count
	if err := p.thawed(); err != nil {
		return err
	}
	p.box.Spend(p.box.driver.script.CPU, p.box.driver.script.Waiting, 0)
	p.box.driver.update(func(c *Count) { c.Handled++ })
	if err := p.strike(Handle); err != nil {
		return err
	}
	if err := writeAnswer(c, p.handle(call)); err != nil {
		return err
	}
	return p.strike(Answered)
}

func (p *process) handle(call *Call) Answer {
	if h := p.box.driver.script.Runtime.Handle; h != nil {
		return h(p.ctx, call)
	}
	return Answer{Body: call.Payload}
}

// thawed fails an event that reached a frozen box: instance must thaw first, a real
// box would hang.
func (p *process) thawed() error {
	if p.box.IsFrozen() {
		p.box.die(errors.New("an event was sent to a frozen box"))
		return errStruck
	}
	return nil
}

// strike plays the faults of a moment in the runtime's life.
func (p *process) strike(op Op) error {
	for _, f := range p.box.driver.strike(op) {
		if err := p.box.wait(p.ctx, f.Wait); err != nil {
			return err
		}
		switch {
		case f.Exit != nil:
			p.kill(*f.Exit)
			return errStruck
		case f.LoseStream:
			p.loseStreams()
			return errStruck
		case f.KillBox != nil:
			p.box.die(f.KillBox)
			return errStruck
		}
	}
	return context.Cause(p.ctx)
}

func writeAnswer(w io.Writer, a Answer) error {
	if a.Error != nil {
		return writeFrame(w, frameError, 0, a.Error)
	}
	for _, chunk := range a.Chunks {
		if err := writeFrame(w, frameResponse, flagMore, chunk); err != nil {
			return err
		}
	}
	return writeFrame(w, frameResponse, 0, a.Body)
}

func writeFrame(w io.Writer, kind, flags byte, payload []byte) error {
	frame := make([]byte, 8, 8+len(payload))
	frame[0], frame[1] = kind, flags
	binary.BigEndian.PutUint32(frame[4:], uint32(len(payload)))
	_, err := w.Write(append(frame, payload...))
	return err
}

func readInvoke(r io.Reader) (*Call, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	if head[0] != frameInvoke || head[1] != 0 || head[2] != 0 || head[3] != 0 {
		return nil, fmt.Errorf("not an Invoke frame: %x", head)
	}
	body := make([]byte, binary.BigEndian.Uint32(head[4:]))
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	return parseInvoke(body)
}

func parseInvoke(body []byte) (*Call, error) {
	if len(body) < 4 || uint64(binary.BigEndian.Uint32(body)) > uint64(len(body)-4) {
		return nil, errors.New("the Invoke frame is shorter than its meta")
	}
	end := 4 + binary.BigEndian.Uint32(body)
	call := &Call{Payload: body[end:]}
	if err := json.Unmarshal(body[4:end], &call.Meta); err != nil {
		return nil, fmt.Errorf("reading meta: %w", err)
	}
	return call, nil
}
