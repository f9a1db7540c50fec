package instance

import (
	"context"
	"fmt"

	"lambent.dev/lambent/internal/sandbox"
)

// Reclaim pushes the memory of a frozen instance out to the host's swap and returns how
// many bytes that gave back: 0 where the sandbox or the host cannot. It holds nobody up: an
// invocation may begin meanwhile, and what it touches comes back.
func (i *Instance) Reclaim(ctx context.Context) (int64, error) {
	r, ok := i.box.(sandbox.Reclaimer)
	if !ok {
		return 0, nil
	}
	freed, err := r.Reclaim(ctx)
	if err != nil && i.Err() == nil {
		return freed, fmt.Errorf("reclaiming the memory of %s: %w", i.id, err)
	}
	return freed, nil
}
