package daemon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/config"
	"lambent.dev/lambent/internal/control"
	"lambent.dev/lambent/internal/handover"
	"lambent.dev/lambent/internal/lambdaapi"
)

// place is what one server has of a data folder at a time: the lock, and the listeners
// once it serves.
type place struct {
	lock      *os.File
	listeners listeners // those of the server before; else not open yet

	// from is the server before, nil if there is none.
	from  *handover.Successor
	grant handover.Grant // of which LinkKey is set in any case
}

// orphansMost is how long a data folder may be locked where no server answers. Children of a server
// that was killed share its descriptors until they execute their program, which takes longer
// where the kernel makes them namespaces and the machine is busy.
const orphansMost = 5 * time.Second

// takePlace takes the data folder for this process: by its lock, or from the server that
// has it.
func takePlace(ctx context.Context, cfg config.Config) (*place, error) {
	for end := time.Now().Add(orphansMost); ; {
		p, err := tryPlace(ctx, cfg)
		if !errors.Is(err, control.ErrNoServer) || time.Now().After(end) {
			return p, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func tryPlace(ctx context.Context, cfg config.Config) (*place, error) {
	lock, err := lockData(cfg.Data)
	if err == nil {
		return &place{lock: lock, grant: handover.Grant{LinkKey: lambdaapi.NewLinkKey()}}, nil
	}
	if !errors.Is(err, errDataInUse) {
		return nil, err
	}
	p, failed := askForPlace(ctx, cfg)
	if failed != nil {
		return nil, fmt.Errorf("%w, and does not make room: %w", err, failed)
	}
	return p, nil
}

// askForPlace asks the running server for what it has. It goes on serving until claim.
func askForPlace(ctx context.Context, cfg config.Config) (*place, error) {
	c, err := control.DialHandover(ctx, cfg.Data)
	if err != nil {
		return nil, err
	}
	from, grant, files, err := handover.Ask(c, terms(cfg))
	if err != nil {
		return nil, err
	}
	p := &place{from: from, grant: grant}
	if err := p.unpack(files); err != nil {
		return nil, errors.Join(err, from.Close())
	}
	return p, nil
}

// unpack takes the lock, which both processes hold as one (flock(2): it belongs to the open
// file), and the listeners.
func (p *place) unpack(files []*os.File) (err error) {
	if len(files) != 4 {
		return fmt.Errorf("%d descriptors were handed over, want 4: %w", len(files), handover.ErrBroken)
	}
	var undo cleanup.Stack
	defer undo.Run(&err)
	p.lock = files[0]
	undo.Add(p.lock.Close)
	for i, l := range []*net.Listener{&p.listeners.api, &p.listeners.admin, &p.listeners.control} {
		*l, err = net.FileListener(files[1+i])
		if err = errors.Join(err, files[1+i].Close()); err != nil {
			return fmt.Errorf("taking a listener over: %w", err)
		}
		undo.Add((*l).Close)
	}
	undo.Release()
	return nil
}

// Close gives the place back, as far as nobody else has it by now.
func (p *place) Close() error {
	var failed []error
	if p.from != nil {
		failed = append(failed, p.from.Close())
	}
	return errors.Join(append(failed, p.listeners.close(), p.lock.Close())...)
}

// terms are what a server and its successor must agree on.
func terms(cfg config.Config) handover.Terms {
	t := handover.Terms{Listen: cfg.Listen, Admin: cfg.Admin}
	if cfg.Store != "" { // a URL with a password
		sum := sha256.Sum256([]byte(cfg.Store))
		t.Store = hex.EncodeToString(sum[:])
	}
	return t
}

// disagree says what keeps a server with other settings from taking over; nil if nothing
// does.
func disagree(own config.Config, asked handover.Terms) error {
	switch t := terms(own); {
	case asked.Listen != t.Listen:
		return fmt.Errorf("it listens on %s and not on %s: use --listen %s to replace it, or stop it first", t.Listen, asked.Listen, t.Listen)
	case asked.Admin != t.Admin:
		return fmt.Errorf("its --admin is %s and not %s: use --admin %s to replace it, or stop it first", t.Admin, asked.Admin, t.Admin)
	case asked.Store != t.Store:
		return errors.New("its store is another one: set the same to replace it, or stop it first")
	}
	return nil
}
