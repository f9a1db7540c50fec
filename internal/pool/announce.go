package pool

import (
	"context"

	"lambent.dev/lambent/internal/lambda"
)

// Announce says that a request of a target is on its way, of which only the head has
// arrived. Where nothing could take it an instance is begun, so that it starts while the
// rest arrives. That is at most one for all announcements together: whoever never sends
// the rest has cost no more than one request.
func (p *Pool) Announce(target *lambda.Target, tenant string) {
	if p.enter() != nil {
		return
	}
	defer p.requests.Done()
	p.groupOf(keyOf(target, tenant)).announce(target)
}

func (g *group) announce(target *lambda.Target) {
	g.mu.Lock()
	defer g.unlock()
	served := len(g.idle)+len(g.open)+len(g.starts) > 0
	if served || !g.kept || g.keepsNothing() || context.Cause(g.pool.ctx) != nil {
		return
	}
	g.begin(target)
}
