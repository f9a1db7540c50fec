package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"

	"lambent.dev/lambent/internal/control"
	"lambent.dev/lambent/internal/event"
	"lambent.dev/lambent/internal/handover"
	"lambent.dev/lambent/internal/lambda"
)

// The half of the server before.

// handOver gives all to a new server that asks for it. Until that one serves this one does,
// whatever becomes of the other.
func (d *Daemon) handOver(c *net.UnixConn) {
	p, asked, err := handover.Receive(c)
	if err == nil {
		d.log.Info("a new server wants to take over", "pid", asked.PID)
		err = d.giveTo(p, asked)
	}
	if err != nil {
		d.log.Warn("not handing over; this server goes on", "error", err)
		return
	}
	d.log.Info("handed over; finishing what is under way", "pid", asked.PID)
	d.notify(fmt.Sprintf("%s\nMAINPID=%d", systemd.SdNotifyReady, asked.PID))
	<-d.finished // the connection ends with this server
}

func (d *Daemon) giveTo(p *handover.Predecessor, asked handover.Request) error {
	err := disagree(d.cfg, asked.Terms)
	if err == nil {
		err = d.turn.begin(p)
	}
	if err != nil {
		return errors.Join(err, p.Refuse(err.Error()))
	}
	defer d.turn.abandon()
	own := handover.Life{Epoch: d.epoch, Owner: d.parts.owner}
	grant := handover.Grant{Lives: append(d.predecessors.living(), own), LinkKey: d.place.grant.LinkKey}
	if err := p.Give(grant, d.place.lock, d.fronts.api.gate, d.fronts.admin.gate, d.fronts.control.gate); err != nil {
		return err
	}
	return d.fronts.whilePaused(d.turn.decide)
}

// fronts are all that a server answers at.
type fronts struct{ api, admin, control *front }

func (f *fronts) each() []*front { return []*front{f.api, f.admin, f.control} }

// whilePaused lets connections wait in the kernel while do decides whose they are. They
// are taken again if it fails.
func (f *fronts) whilePaused(do func() error) (err error) {
	keepSocket(f.control.gate.socket, true)
	for _, one := range f.each() {
		err = errors.Join(err, one.gate.pause())
	}
	if err == nil {
		err = do()
	}
	if err == nil {
		return nil
	}
	keepSocket(f.control.gate.socket, false)
	for _, one := range f.each() {
		err = errors.Join(err, one.gate.resume())
	}
	return err
}

// Names of the fronts that requests are passed on to; others are ARNs of functions, whose
// call it is.
const (
	passedAPI   = "api"
	passedAdmin = "admin"
)

// passed answers what a server before this one is still asked.
func (d *Daemon) passed(front string) http.Handler {
	switch front {
	case passedAPI:
		return d.apiHandler()
	case passedAdmin:
		return d.adminHandler()
	}
	var v lambda.Violations
	ref := lambda.NameToRead.Parse(front, &v)
	id, err := ref.Resolve(d.cfg.Account, d.cfg.Region)
	if err != nil || v.Err() != nil || ref.Qualifier != "" {
		return nil
	}
	return d.turn.relay(d.api.HandlerFor(id), control.PassOn(d.cfg.Data, front))
}

// leaveWhenMoved ends what only the serving one does, once that is another.
func (d *Daemon) leaveWhenMoved(whole context.Context, leave context.CancelCauseFunc) {
	select {
	case <-d.turn.moved:
		leave(event.ErrMoved)
		d.pool.Leave()
		d.stems.Retire()
	case <-whole.Done():
	}
}

// runEvents runs events until ctx ends. If that is because another server goes on, those
// that run here are waited for, unless this one is stopped: with whole.
func (d *Daemon) runEvents(whole, ctx context.Context) error {
	err := d.events.Run(ctx)
	if !errors.Is(context.Cause(ctx), event.ErrMoved) {
		return err
	}
	ended := make(chan struct{})
	go func() { // ends with the pool at the latest
		defer close(ended)
		_ = d.events.Close() // it only waits
	}()
	limit := time.NewTimer(finishLimit)
	defer limit.Stop()
	select {
	case <-ended:
	case <-whole.Done():
	case <-limit.C:
	}
	return err
}

// The half of the new server.

// claim makes this server the one that serves, if there is one before it. After an error
// that one still does.
func (d *Daemon) claim(ctx context.Context) error {
	from := d.place.from
	if from == nil {
		return nil
	}
	defer context.AfterFunc(ctx, func() { _ = from.Close() })() // ends the waiting
	changed, err := from.Ready()
	if err != nil {
		return err
	}
	if err := d.refresh(ctx, changed); err != nil {
		return fmt.Errorf("reading what has changed meanwhile: %w", err)
	}
	return from.Take()
}

func (d *Daemon) refresh(ctx context.Context, changed []lambda.FunctionID) error {
	for _, id := range changed {
		if err := d.api.Refresh(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// follow learns what requests that the server before still finishes change.
func (d *Daemon) follow(ctx context.Context) {
	from := d.place.from
	if from == nil {
		return
	}
	defer context.AfterFunc(ctx, func() { _ = from.Close() })()
	err := from.Follow(func(changed []lambda.FunctionID) error { return d.refresh(ctx, changed) })
	if err != nil && ctx.Err() == nil {
		d.log.Error("following the server before", "error", err)
	}
}
