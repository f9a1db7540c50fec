package instance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"lambent.dev/lambent/internal/http1"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/runtimeapi"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/stem"
)

const (
	apiAddress  = "127.0.0.1:9001" // as on Lambda before 2026; clients read the variable
	homeAddress = "127.0.0.1:9700"

	// maxConns bounds what a function can hold open on each listener, beside one for each
	// further slot: the descriptors are the host's.
	maxConns = 64
	// maxHeader lets the X-Ray cause of an error through, which clients send up to 1 MiB.
	maxHeader     = 1<<20 + 64<<10
	headerTimeout = 10 * time.Second
)

// listen serves inside the box what the runtime calls.
func (i *Instance) listen(ctx context.Context, box *stem.Box, callHome func(*lambda.Target) http.Handler) (err error) {
	if i.launch.Protocol == runtimes.HTTP {
		if i.apiAddr, err = i.serve(ctx, box, apiAddress, runtimeapi.Handler(i.session.Load)); err != nil {
			return fmt.Errorf("listening for the runtime: %w", err)
		}
	}
	if callHome == nil {
		return nil
	}
	if home := callHome(i.target); home != nil {
		if i.homeAddr, err = i.serve(ctx, box, homeAddress, home); err != nil {
			return fmt.Errorf("listening for calls home: %w", err)
		}
	}
	return nil
}

// serve starts a server on an address inside and returns what to dial. It ends with
// the instance.
func (i *Instance) serve(ctx context.Context, box *stem.Box, address string, h http.Handler) (string, error) {
	l, err := box.Listen(ctx, address)
	if err != nil {
		return "", err
	}
	s := http1.New(&http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: log.New(io.Discard, "", 0), // a function must not write to the daemon's log
	})
	i.servers = append(i.servers, s)
	go func() { _ = s.Serve(limitConns(l, maxConns+i.target.Slots()-1)) }() // ends by Close, with the instance
	return l.Addr().String(), nil
}

// limitConns returns a listener that accepts while fewer than n connections are open.
func limitConns(l net.Listener, n int) net.Listener {
	return &limited{Listener: l, slots: make(chan struct{}, n), done: make(chan struct{})}
}

type limited struct {
	net.Listener
	slots chan struct{}
	done  chan struct{}
	once  sync.Once
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &slotConn{Conn: c, free: func() { <-l.slots }}, nil
}

// Close implements net.Listener.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// slotConn gives its slot back once.
type slotConn struct {
	net.Conn
	once sync.Once
	free func()
}

// SyscallConn implements syscall.Conn, where what was accepted does: without it every read and write
// would be one that may block, for all that the server knows.
func (c *slotConn) SyscallConn() (syscall.RawConn, error) {
	if raw, ok := c.Conn.(syscall.Conn); ok {
		return raw.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// Close implements net.Conn.
func (c *slotConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.free)
	return err
}
