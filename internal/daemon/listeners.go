package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/config"
	"lambent.dev/lambent/internal/control"
)

// listeners are what a server is reached by.
type listeners struct{ api, admin, control net.Listener }

func (l listeners) each() []net.Listener { return []net.Listener{l.api, l.admin, l.control} }

// openListeners opens those that a successor did not get from the server before.
func openListeners(ctx context.Context, cfg config.Config) (l listeners, err error) {
	if l.api, err = listen(ctx, cfg.Listen, "--listen"); err != nil {
		return l, err
	}
	if l.admin, err = listen(ctx, cfg.Admin, "--admin"); err != nil {
		return l, errors.Join(err, l.close())
	}
	if l.control, err = control.Listen(ctx, cfg.Data); err != nil {
		return l, errors.Join(err, l.close())
	}
	return l, nil
}

// listen opens an address; flag is what sets it.
func listen(ctx context.Context, addr, flag string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, fmt.Errorf("listening on %s: another program does already: end it, or choose another %s", addr, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", addr, err)
	}
	return l, nil
}

// close closes what is open. What a successor has as well stays open there.
func (l listeners) close() error {
	var failed []error
	for _, one := range l.each() {
		if one == nil {
			continue
		}
		if err := one.Close(); !errors.Is(err, net.ErrClosed) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// keepSocket says whether closing the control socket's listener leaves its file, because it
// is another server's.
func keepSocket(l net.Listener, keep bool) {
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(!keep)
	}
}

// socket is a listener's of the operating system.
type socket interface {
	net.Listener
	syscall.Conn
	SetDeadline(time.Time) error
}

// gate is a listener that can be told to wait: what connects meanwhile stays in the
// kernel's queue, for this process or another.
type gate struct {
	socket

	// taking is held while a connection is waited for; not together with mu.
	taking sync.Mutex

	// mu guards open.
	mu   sync.Mutex
	open chan struct{} // closed while connections are taken
}

func newGate(l net.Listener) (*gate, error) {
	s, ok := l.(socket)
	if !ok {
		return nil, fmt.Errorf("listener %T has no descriptor", l)
	}
	g := &gate{socket: s, open: make(chan struct{})}
	close(g.open)
	return g, nil
}

// Accept implements net.Listener.
func (g *gate) Accept() (net.Conn, error) {
	for {
		<-g.opened()
		c, err := g.take()
		if wait, ok := errors.AsType[net.Error](err); !ok || !wait.Timeout() {
			return c, err
		}
	}
}

func (g *gate) take() (net.Conn, error) {
	g.taking.Lock()
	defer g.taking.Unlock()
	return g.socket.Accept()
}

func (g *gate) opened() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

// pause ends an Accept that waits, and those to come until resume or Close. When it has
// returned nothing is accepted any more: a deadline alone does not see to that, for what
// comes before the goroutine that waited runs again is still accepted.
func (g *gate) pause() error {
	if err := g.shut(); err != nil {
		return err
	}
	g.taking.Lock()
	defer g.taking.Unlock()
	return nil
}

func (g *gate) shut() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = make(chan struct{})
	return g.SetDeadline(time.Unix(1, 0))
}

func (g *gate) resume() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := g.SetDeadline(time.Time{})
	g.unlock()
	return err
}

// unlock must be called with mu held.
func (g *gate) unlock() {
	select {
	case <-g.open:
	default:
		close(g.open)
	}
}

// Close implements net.Listener.
func (g *gate) Close() error {
	err := g.socket.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unlock()
	return err
}
