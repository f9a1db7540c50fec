package handover

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// ErrRefused says that the predecessor gives nothing; its text says why.
var ErrRefused = errors.New("the running server does not hand over")

// Successor is the side of the server that takes the other's place.
type Successor struct{ conn conn }

// Ask asks for what a server holds, and returns it with its files. From here on the
// predecessor notes what changes. The connection is the Successor's.
func Ask(c *net.UnixConn, terms Terms) (*Successor, Grant, []*os.File, error) {
	s := &Successor{conn{UnixConn: c}}
	g, files, err := s.ask(Request{Protocol: Protocol, PID: os.Getpid(), Terms: terms})
	if err != nil {
		return nil, g, nil, errors.Join(err, closeAll(files), c.Close())
	}
	return s, g, files, nil
}

func (s *Successor) ask(r Request) (g Grant, files []*os.File, err error) {
	if err := s.conn.send(StepLimit, r); err != nil {
		return g, nil, fmt.Errorf("asking the running server to hand over: %w", err)
	}
	if files, err = s.conn.receive(StepLimit, &g); err != nil {
		return g, nil, fmt.Errorf("waiting for what the running server gives: %w", err)
	}
	if g.Refused != "" {
		return g, files, fmt.Errorf("%w: %s", ErrRefused, g.Refused)
	}
	return g, files, nil
}

// Ready says that all is open, and returns what has changed since Ask.
func (s *Successor) Ready() (changed []lambda.FunctionID, err error) {
	if err := s.conn.send(StepLimit, step{Ready: true}); err != nil {
		return nil, fmt.Errorf("telling the running server that this one is ready: %w", err)
	}
	got, err := s.next(StepLimit)
	if err != nil || got.Changed == nil {
		return nil, fmt.Errorf("waiting for what has changed meanwhile: %w", broken(err))
	}
	return got.Changed, nil
}

// Take says that what Ready returned is known here, and returns once this server is the one
// that serves. After an error it must not.
func (s *Successor) Take() error {
	if err := s.conn.send(StepLimit, step{Done: true}); err != nil {
		return fmt.Errorf("taking over: %w", err)
	}
	if got, err := s.next(StepLimit); err != nil || !got.Yours {
		return fmt.Errorf("taking over: %w", broken(err))
	}
	return nil
}

// Follow calls read with what requests that the predecessor still finishes have changed,
// until that server ends or the connection is closed.
func (s *Successor) Follow(read func(changed []lambda.FunctionID) error) error {
	for {
		got, err := s.next(0)
		if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err == nil {
			err = read(got.Changed)
		}
		if err == nil {
			err = s.conn.send(StepLimit, step{Done: true})
		}
		if err != nil {
			return fmt.Errorf("following what the earlier server finishes: %w", err)
		}
	}
}

// Close ends the connection.
func (s *Successor) Close() error { return s.conn.Close() }

func (s *Successor) next(limit time.Duration) (got step, err error) {
	files, err := s.conn.receive(limit, &got)
	return got, errors.Join(err, closeAll(files))
}
