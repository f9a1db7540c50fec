package light

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"lambent.dev/lambent/internal/kernel/netns"
)

// poolSize is how many network namespaces wait: making one costs 0.5 ms and now and
// then many more, entering one 20 µs.
const poolSize = 8

// runtimeAPI is an address of every box besides 127.0.0.1: the Runtime API's host on
// Lambda is link-local too (AWS_LAMBDA_RUNTIME_API).
var runtimeAPI = netip.MustParsePrefix("169.254.100.1/32")

var errPoolClosed = errors.New("the template is closed")

// netPool makes network namespaces ahead. One goroutine fills it and ends with close.
type netPool struct {
	ready chan *os.File
	stop  context.CancelCauseFunc
	ended chan struct{}
}

func newNetPool(log *slog.Logger) *netPool {
	ctx, stop := context.WithCancelCause(context.Background())
	p := &netPool{ready: make(chan *os.File, poolSize), stop: stop, ended: make(chan struct{})}
	go p.fill(ctx, log)
	return p
}

func (p *netPool) fill(ctx context.Context, log *slog.Logger) {
	defer close(p.ended)
	for ctx.Err() == nil {
		ns, err := netns.New(runtimeAPI)
		if err != nil {
			log.Warn("making a network namespace ahead failed", "error", err)
			wait(ctx, time.Second)
			continue
		}
		select {
		case p.ready <- ns:
		case <-ctx.Done():
			_ = ns.Close()
		}
	}
}

// take returns a namespace that waits, or makes one.
func (p *netPool) take() (*os.File, error) {
	select {
	case ns := <-p.ready:
		return ns, nil
	default:
		return netns.New(runtimeAPI)
	}
}

// close ends the filling and frees what waits.
func (p *netPool) close() {
	p.stop(errPoolClosed)
	<-p.ended
	for {
		select {
		case ns := <-p.ready:
			_ = ns.Close()
		default:
			return
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
