package sandbox

import "context"

// Reclaimer pushes the memory of a box out to the host's swap, so that an idle one costs
// the host next to nothing. Optional, known to package instance only. The box should be
// frozen; it may be thawed, used, reset and closed at the same time. What it touches comes
// back by itself.
type Reclaimer interface {
	// Reclaim returns how many bytes the host has got back: 0 where it has no swap, as all
	// else a kernel takes by itself when it needs memory.
	Reclaim(ctx context.Context) (int64, error)
}
