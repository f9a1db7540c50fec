package instance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/stem"
)

// dialLimit bounds a connection to a service of the host.
const dialLimit = 10 * time.Second

var errSlowService = errors.New("the host's service did not accept in time")

// networkOf is the profile of a target's sandboxes. The tier process has none to give: its
// driver is asked for the one that every driver has.
func networkOf(t *lambda.Target) sandbox.Network {
	if t.Tier == lambda.TierProcess {
		return sandbox.NetworkNone
	}
	return cmp.Or(t.Network, sandbox.NetworkNone)
}

// relay shows a service of the host's loopback at the same address inside. It ends with the
// instance.
type relay struct {
	net.Listener
	dial func(context.Context) (net.Conn, error)

	mu    sync.Mutex // protects open and over
	open  map[net.Conn]struct{}
	over  bool
	group sync.WaitGroup
}

// showHost makes what the function's tag allows of the host's loopback reachable inside.
func (i *Instance) showHost(ctx context.Context, box *stem.Box) error {
	for _, at := range i.target.Reach.Host {
		if i.deps.DialHost == nil {
			return fmt.Errorf("showing %s of the host: this server shows none", at)
		}
		l, err := box.Listen(ctx, at.String())
		if err != nil {
			return fmt.Errorf("showing %s of the host: %w", at, err)
		}
		i.relays = append(i.relays, newRelay(limitConns(l, maxConns+i.target.Slots()-1), i.dialer(at)))
	}
	return nil
}

func (i *Instance) dialer(at netip.AddrPort) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) { return i.deps.DialHost(ctx, at) }
}

func newRelay(l net.Listener, dial func(context.Context) (net.Conn, error)) *relay {
	r := &relay{Listener: l, dial: dial, open: map[net.Conn]struct{}{}}
	r.group.Go(r.serve)
	return r
}

// serve accepts until the listener is closed.
func (r *relay) serve() {
	for {
		inside, err := r.Accept()
		if err != nil {
			return
		}
		if r.keep(inside) {
			r.group.Go(func() { r.join(inside) })
		}
	}
}

// join copies both ways until both are through.
func (r *relay) join(inside net.Conn) {
	defer r.drop(inside)
	ctx, stop := context.WithTimeoutCause(context.Background(), dialLimit, errSlowService)
	defer stop()
	outside, err := r.dial(ctx)
	if err != nil || !r.keep(outside) {
		return // the function sees the connection end
	}
	defer r.drop(outside)
	sent := make(chan struct{})
	go func() { defer close(sent); pour(outside, inside) }()
	pour(inside, outside)
	<-sent
}

// pour copies to the end and passes that on.
func pour(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		_ = half.CloseWrite()
		return
	}
	_ = to.Close()
}

// keep has close end a connection; false = it has.
func (r *relay) keep(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		_ = c.Close()
		return false
	}
	r.open[c] = struct{}{}
	return true
}

func (r *relay) drop(c net.Conn) {
	r.mu.Lock()
	delete(r.open, c)
	r.mu.Unlock()
	_ = c.Close()
}

// close ends all connections and waits for that.
func (r *relay) close() error {
	err := r.Close()
	r.mu.Lock()
	r.over = true
	for c := range r.open {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.group.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil // it ended with the box
	}
	return err
}
