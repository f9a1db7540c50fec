package lambdaapi

import (
	"context"

	"lambent.dev/lambent/internal/lambda"
)

// Refresh makes what another process has done to a function known here: it is as the store
// has it when Refresh returns. One that waits for its activation gets it here.
func (s *Server) Refresh(ctx context.Context, id lambda.FunctionID) error {
	lock := s.changes.of(id)
	lock.Lock()
	defer lock.Unlock()
	fn, err := s.Store.Function(ctx, id)
	if isMissing(err) {
		s.Directory.Remove(id)
		return nil
	}
	if err != nil {
		return err
	}
	if unsettled(&fn) {
		s.activations.add(id)
	}
	return s.Directory.Put(fn)
}
