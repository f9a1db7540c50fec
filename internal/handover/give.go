package handover

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// How long each side waits for the other.
const (
	// WarmLimit is for what the successor opens and reads before it is ready.
	WarmLimit = 5 * time.Minute
	// StepLimit is for a step that only reads some functions again. Clients wait meanwhile.
	StepLimit = 10 * time.Second
)

// ErrBroken says that the other side ended, or said something else than it should.
var ErrBroken = errors.New("the other server left the hand-over")

// Predecessor is the side of the server that serves.
type Predecessor struct{ conn conn }

// Receive reads what a successor asks for on a connection. Only a process of the same user
// is listened to. The connection stays the caller's to close.
func Receive(c *net.UnixConn) (*Predecessor, Request, error) {
	p := &Predecessor{conn{UnixConn: c}}
	var r Request
	if err := sameUser(c); err != nil {
		return nil, r, errors.Join(err, p.Refuse(err.Error()))
	}
	files, err := p.conn.receive(StepLimit, &r)
	if err = errors.Join(err, closeAll(files)); err != nil {
		return nil, r, fmt.Errorf("reading the successor's request: %w", err)
	}
	if r.Protocol != Protocol {
		err = fmt.Errorf("it speaks protocol %d of the hand-over, this server %d", r.Protocol, Protocol)
		return nil, r, errors.Join(err, p.Refuse(err.Error()))
	}
	return p, r, nil
}

// Refuse tells the successor why it gets nothing.
func (p *Predecessor) Refuse(why string) error {
	return p.conn.send(StepLimit, Grant{Refused: why})
}

// Give hands over and waits until the successor is ready. The descriptors stay the caller's,
// too.
func (p *Predecessor) Give(g Grant, files ...syscall.Conn) error {
	if err := p.conn.send(StepLimit, g, files...); err != nil {
		return fmt.Errorf("giving the listeners: %w", err)
	}
	if got, err := p.next(WarmLimit); err != nil || !got.Ready {
		return fmt.Errorf("waiting for the new server to be ready: %w", broken(err))
	}
	return nil
}

// Tell names functions that have changed, and waits until the successor knows.
func (p *Predecessor) Tell(changed []lambda.FunctionID) error {
	if changed == nil {
		changed = []lambda.FunctionID{}
	}
	if err := p.conn.send(StepLimit, step{Changed: changed}); err != nil {
		return fmt.Errorf("telling what has changed: %w", err)
	}
	if got, err := p.next(StepLimit); err != nil || !got.Done {
		return fmt.Errorf("waiting for the new server to read what has changed: %w", broken(err))
	}
	return nil
}

// Commit makes the successor the one that serves.
func (p *Predecessor) Commit() error { return p.conn.send(StepLimit, step{Yours: true}) }

func (p *Predecessor) next(limit time.Duration) (s step, err error) {
	files, err := p.conn.receive(limit, &s)
	return s, errors.Join(err, closeAll(files))
}

func broken(err error) error {
	if err == nil {
		return ErrBroken
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}
