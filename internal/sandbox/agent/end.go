package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/sandbox"
)

// destroyLimit bounds how long a failed Create or Bind waits for its box to go.
const destroyLimit = 10 * time.Second

// Done implements sandbox.Sandbox.
func (b *Box) Done() <-chan struct{} { return b.Freed }

// Err implements sandbox.Sandbox.
func (b *Box) Err() error {
	select {
	case <-b.Freed:
		return b.Cause()
	default:
		return nil
	}
}

// Close implements sandbox.Sandbox.
func (b *Box) Close(ctx context.Context) error {
	b.KillFor(fmt.Errorf("sandbox %s: %w", b.ID, sandbox.ErrClosed))
	select {
	case <-b.Freed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing sandbox %s: %w", b.ID, context.Cause(ctx))
	}
}

// KillFor ends the box for a reason. The first one stays.
func (b *Box) KillFor(cause error) {
	b.End(cause)
	b.Kill()
}

// Destroy ends a box that nobody was given or that is of no use, and returns cause.
func (b *Box) Destroy(cause error) error {
	b.KillFor(cause)
	limit, stop := cleanup.Context(context.Background(), destroyLimit)
	defer stop()
	select {
	case <-b.Freed:
		return cause
	case <-limit.Done():
		return errors.Join(cause, context.Cause(limit))
	}
}
