package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/control"
)

// Bounds on what a slow or idle client may hold.
const (
	headerLimit = 10 * time.Second
	idleLimit   = 2 * time.Minute
	headerBytes = 64 << 10
)

// serve listens until ctx ends or a listener fails, then lets requests finish.
func (d *Daemon) serve(ctx context.Context) error {
	api, err := listen(ctx, d.cfg.Listen, "--listen")
	if err != nil {
		return err
	}
	admin, err := listen(ctx, d.cfg.Admin, "--admin")
	if err != nil {
		return errors.Join(err, api.Close())
	}
	socket, err := control.Listen(ctx, d.cfg.Data)
	if err != nil {
		return errors.Join(err, api.Close(), admin.Close())
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.api.Run(ctx) })
	group.Go(func() error { return d.events.Run(ctx) })
	group.Go(func() error { d.garbage.Run(ctx); return nil })
	group.Go(func() error { d.slowest.Run(ctx); return nil })
	group.Go(func() error { return serveUntil(ctx, api, d.api.Handler()) })
	group.Go(func() error { return serveUntil(ctx, admin, d.adminHandler()) })
	group.Go(func() error { return serveUntil(ctx, socket, d.controlHandler(ctx)) })
	d.log.Info("ready", "api", "http://"+api.Addr().String(), "admin", "http://"+admin.Addr().String(), "isolation", d.cfg.Isolation, "data", d.cfg.Data)
	d.notify(systemd.SdNotifyReady)
	defer context.AfterFunc(ctx, func() { d.notify(systemd.SdNotifyStopping) })()
	return group.Wait()
}

// notify tells systemd how the server is, where it is a unit of Type=notify.
func (d *Daemon) notify(state string) {
	if _, err := systemd.SdNotify(false, state); err != nil {
		d.log.Warn("telling systemd", "state", state, "error", err)
	}
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

// serveUntil serves l until ctx ends, then takes no new request and lets those under way end.
func serveUntil(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: headerLimit, IdleTimeout: idleLimit, MaxHeaderBytes: headerBytes}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	bound, stop := cleanup.Context(ctx, closeLimit)
	defer stop()
	err := s.Shutdown(bound)
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
