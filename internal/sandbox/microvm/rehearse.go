package microvm

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
	"lambent.dev/lambent/internal/sandbox/hostroot"
)

// rehearsalLimit bounds a rehearsal, which takes a fraction of a second of an emulated processor.
const rehearsalLimit = time.Minute

// rehearse has a guest that nobody waits for go the way of a start. What QEMU translates of the
// guest's code it keeps for as long as it runs: the start itself finds it translated. Nothing of it
// stays in the guest, and a guest in which it fails is no stem.
func (b *box) rehearse(ctx context.Context) error {
	t := b.template
	if t.kvm || t.preload == nil || !t.early() || len(t.preload.Mounts) == 0 {
		return nil
	}
	ctx, stop := context.WithTimeoutCause(ctx, rehearsalLimit, fmt.Errorf("a guest did not rehearse within %v", rehearsalLimit))
	defer stop()
	target := hostroot.Targets()[0]
	drive := driveOf(target)
	if t.shown[drive] != nil {
		return nil // the base has something there
	}
	if err := b.attachCopy(ctx, drive, t.shown[driveOf(t.preload.Mounts[0].Target)]); err != nil {
		return err
	}
	if err := b.play(ctx, &agentproto.Rehearse{Targets: []string{target}, Names: []string{drive}, Play: t.preload.Rehearses}); err != nil {
		return err
	}
	return b.attachCopy(ctx, drive, t.empty)
}

// attachCopy puts an image that the template holds behind a drive.
func (b *box) attachCopy(ctx context.Context, drive string, image *os.File) error {
	own, err := reopen(image)
	if err != nil {
		return err
	}
	defer func() { _ = own.Close() }()
	return b.machine.attach(ctx, drive, own)
}

// play asks for it, and speaks over the stream meanwhile.
func (b *box) play(ctx context.Context, r *agentproto.Rehearse) error {
	visit := b.Tickets.ExpectOne()
	defer visit.End()
	r.Echo = visit.Ticket
	asked := make(chan error, 1)
	go func() { // ends with ctx, or with the box
		_, err := b.Control.Call(ctx, &agentproto.Request{Rehearse: r})
		asked <- err
	}()
	conn, err := visit.Take(ctx, b.Control.Ended())
	if err == nil {
		err = echo(ctx, conn)
	}
	if failed := <-asked; failed != nil {
		return fmt.Errorf("rehearsing: %w", failed)
	}
	return err
}

// echo says something that is sent back.
func echo(ctx context.Context, conn io.ReadWriteCloser) error {
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	said := make([]byte, 256)
	if _, err := conn.Write(said); err != nil {
		return fmt.Errorf("rehearsing: %w", err)
	}
	if _, err := io.ReadFull(conn, said); err != nil {
		return fmt.Errorf("rehearsing: %w", err)
	}
	return nil
}
