package router

import (
	"context"

	"lambent.dev/lambent/internal/lambda"
)

// Announce says that an invocation is on its way, so that an instance can start while the
// rest of it arrives. One that would not be admitted now begins nothing.
func (r *Router) Announce(ctx context.Context, id lambda.FunctionID, qualifier string) {
	target, err := r.Resolve(ctx, id, qualifier)
	if err != nil || !r.permits.Admits(id) {
		return // the invocation gets the error
	}
	r.pool.Announce(target, "")
}
