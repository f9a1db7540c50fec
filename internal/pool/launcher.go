package pool

import (
	"context"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
)

var (
	_ Opener   = (*instance.Instance)(nil)
	_ Preparer = Launcher{}
)

// Launcher is the Starter of real instances.
type Launcher struct{ *instance.Launcher }

// Prepare implements Preparer.
func (l Launcher) Prepare(ctx context.Context, target *lambda.Target) (Opener, error) {
	i, err := l.Launcher.Prepare(ctx, target)
	if err != nil {
		return nil, err // as below
	}
	return i, nil
}

// Start implements Starter.
func (l Launcher) Start(ctx context.Context, target *lambda.Target) (Instance, error) {
	i, err := l.Launcher.Start(ctx, target)
	if err != nil {
		return nil, err // not i: a nil pointer in an interface is not nil
	}
	return i, nil
}
