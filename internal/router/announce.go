package router

import (
	"context"

	"lambent.dev/lambent/internal/lambda"
)

// Announce says that an invocation is on its way, so that an instance can start while the
// rest of it arrives. One that would not be admitted now begins nothing.
func (r *Router) Announce(ctx context.Context, inv *lambda.Invocation) {
	target, err := r.admit(ctx, inv)
	if err != nil || !r.permits.Admits(inv.Function) {
		return // the invocation gets the error
	}
	r.pool.Announce(target, inv.TenantID)
}
