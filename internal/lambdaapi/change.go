package lambdaapi

import (
	"context"
	"hash/maphash"
	"sync"

	"lambent.dev/lambent/internal/lambda"
)

// locks are a lock per function, shared by the functions whose names hash alike. The
// zero value is ready.
//
// Whoever changes a function holds its lock from before the change of the store until
// after that of the directory; whoever shows states holds it for reading. So a client
// that has read of the end of an update never meets the old code afterwards.
type locks [64]sync.RWMutex

var lockSeed = maphash.MakeSeed()

func (l *locks) of(id lambda.FunctionID) *sync.RWMutex {
	return &l[maphash.Comparable(lockSeed, id)%uint64(len(l))]
}

// change runs apply on the stored function and makes the result known to the router. apply
// may run several times; its error is returned as it is. What the store does not have
// is an error that wraps store.ErrNotFound.
func (s *Server) change(ctx context.Context, id lambda.FunctionID, apply func(*lambda.Function) error) (lambda.Function, error) {
	lock := s.changes.of(id)
	lock.Lock()
	defer lock.Unlock()
	fn, err := s.Store.UpdateFunction(ctx, id, apply)
	if err != nil {
		return lambda.Function{}, err
	}
	return fn, s.Directory.Put(fn)
}

// read returns a function in a state that the router knows, too.
func (s *Server) read(ctx context.Context, id lambda.FunctionID) (lambda.Function, error) {
	lock := s.changes.of(id)
	lock.RLock()
	defer lock.RUnlock()
	return s.Store.Function(ctx, id)
}
