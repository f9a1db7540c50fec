package pool

import (
	"context"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
)

var _ Instance = (*instance.Instance)(nil)

// Launcher is the Starter of real instances.
type Launcher struct{ *instance.Launcher }

// Start implements Starter.
func (l Launcher) Start(ctx context.Context, target *lambda.Target) (Instance, error) {
	i, err := l.Launcher.Start(ctx, target)
	if err != nil {
		return nil, err // not i: a nil pointer in an interface is not nil
	}
	return i, nil
}
