package daemon

import (
	"context"
	"errors"
	"net/http"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sync/errgroup"

	"lambent.dev/lambent/internal/control"
)

// serve listens until ctx ends, a listener fails or another server has taken over, then lets
// requests finish. What is begun here ends with ctx, which ends when another server serves;
// only what finishes requests goes on.
func (d *Daemon) serve(ctx context.Context) error {
	defer close(d.finished)
	group, whole := errgroup.WithContext(ctx)
	ctx, leave := context.WithCancelCause(whole) // of what only the one that serves does: nearly all
	defer leave(nil)
	if err := d.openFronts(ctx); err != nil {
		return err
	}
	if err := d.claim(ctx); err != nil {
		return err
	}
	group.Go(func() error { return d.api.Run(ctx) })
	group.Go(func() error { d.garbage.Run(ctx); return nil })
	group.Go(func() error { d.slowest.Run(ctx); return nil })
	group.Go(func() error { d.bytecode.Run(ctx); return nil })
	group.Go(func() error { d.inherit(ctx); return nil })
	group.Go(func() error { d.follow(ctx); return nil })
	group.Go(func() error { return d.runEvents(whole, ctx) })
	group.Go(func() error { d.leaveWhenMoved(whole, leave); return nil })
	for _, f := range d.fronts.each() {
		group.Go(func() error { return f.serve(whole, d.turn.moved) })
	}
	d.announce()
	defer context.AfterFunc(whole, d.sayStopping)()
	return group.Wait()
}

// openFronts opens listeners where none were handed over, and puts handlers behind them.
func (d *Daemon) openFronts(ctx context.Context) error {
	l := &d.place.listeners
	if d.place.from == nil {
		var err error
		if *l, err = openListeners(ctx, d.cfg); err != nil {
			return err
		}
	}
	var failed [3]error
	d.fronts.api, failed[0] = newFront(l.api, d.apiHandler())
	d.fronts.admin, failed[1] = newFront(l.admin, d.turn.relay(d.adminHandler(), control.PassOn(d.cfg.Data, passedAdmin)))
	d.fronts.control, failed[2] = newFront(l.control, d.controlHandler(ctx))
	return errors.Join(failed[:]...)
}

// apiHandler answers Lambda's API.
func (d *Daemon) apiHandler() http.Handler {
	return d.turn.relay(d.api.Handler(), control.PassOn(d.cfg.Data, passedAPI))
}

func (d *Daemon) announce() {
	keepSocket(d.place.listeners.control, false)
	l := d.place.listeners
	d.log.Info("ready", "api", "http://"+l.api.Addr().String(), "admin", "http://"+l.admin.Addr().String(), "isolation", d.cfg.Isolation, "data", d.cfg.Data)
	d.notify(systemd.SdNotifyReady)
}

// sayStopping tells systemd, unless it follows another server by now.
func (d *Daemon) sayStopping() {
	select {
	case <-d.turn.moved:
	default:
		d.notify(systemd.SdNotifyStopping)
	}
}

// notify tells systemd how the server is, where it is a unit of Type=notify.
func (d *Daemon) notify(state string) {
	if _, err := systemd.SdNotify(false, state); err != nil {
		d.log.Warn("telling systemd", "state", state, "error", err)
	}
}
