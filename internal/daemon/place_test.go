package daemon

import (
	"context"
	"errors"
	"testing"
	"time"

	"lambent.dev/lambent/internal/config"
	"lambent.dev/lambent/internal/control"
)

// A child that a killed server left behind holds the lock for a moment: the next server waits.
func TestPlaceWaitsForOrphans(t *testing.T) {
	cfg := config.Config{Data: t.TempDir()}
	orphan, err := lockData(cfg.Data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tryPlace(t.Context(), cfg); !errors.Is(err, control.ErrNoServer) || !errors.Is(err, errDataInUse) {
		t.Fatalf("a folder that is locked: %v", err)
	}
	released := time.AfterFunc(50*time.Millisecond, func() { _ = orphan.Close() })
	defer released.Stop()
	p, err := takePlace(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// Whoever stops the server meanwhile does not wait.
func TestPlaceIsCalledOff(t *testing.T) {
	cfg := config.Config{Data: t.TempDir()}
	other, err := lockData(cfg.Data)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	why := errors.New("stopped")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(why)
	if p, err := takePlace(ctx, cfg); err == nil {
		t.Errorf("%+v, want an error", p)
	}
}
