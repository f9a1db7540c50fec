package microvm

import (
	"context"
	"errors"
	"net"

	"lambent.dev/lambent/internal/sandbox"
)

var _ sandbox.Rester = (*box)(nil)

// Rest implements sandbox.Rester: the processors of a guest that waits stand still, as if frozen. Its
// clock is set by Bind.
func (b *box) Rest(ctx context.Context) error {
	if err := b.Usable(); !errors.Is(err, sandbox.ErrNotBound) {
		return err
	}
	return b.Freeze(ctx)
}

// wake lets a guest that rests go on. One that is bound was frozen by somebody else.
func (b *box) wake(ctx context.Context) error {
	b.freezing.Lock()
	defer b.freezing.Unlock()
	if !b.frozen || b.Usable() == nil {
		return nil
	}
	if err := b.machine.resume(ctx); err != nil {
		return err
	}
	b.frozen = false
	return nil
}

// Listen implements sandbox.Sandbox.
func (b *box) Listen(ctx context.Context, addr string) (net.Listener, error) {
	if err := b.wakeToAsk(ctx); err != nil {
		return nil, err
	}
	return b.Box.Listen(ctx, addr)
}

// Dial implements sandbox.Sandbox.
func (b *box) Dial(ctx context.Context, addr string) (net.Conn, error) {
	if err := b.wakeToAsk(ctx); err != nil {
		return nil, err
	}
	return b.Box.Dial(ctx, addr)
}

func (b *box) wakeToAsk(ctx context.Context) error {
	if err := errors.Join(b.Alive(), context.Cause(ctx)); err != nil {
		return err
	}
	if err := b.wake(ctx); err != nil {
		return b.Explain(ctx, err)
	}
	return nil
}
