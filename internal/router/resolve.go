package router

import (
	"context"

	"lambent.dev/lambent/internal/lambda"
)

// Resolve returns the version that a qualifier names: "" and "$LATEST" the unpublished
// one, a number a published one, an alias the one that it points at, or the other of the
// two that it points at with its weight. The error is Lambda's for one that is not known or
// cannot be invoked in its state. ctx bounds the reading of the configuration, where nobody
// uses the function.
func (r *Router) Resolve(ctx context.Context, id lambda.FunctionID, qualifier string) (*lambda.Target, error) {
	for {
		e, v, err := r.find(id, qualifier)
		if err != nil {
			return nil, err
		}
		if t := v.target(); t != nil {
			return t, nil
		}
		t, err := r.load(ctx, id, e, v)
		if t != nil || err != nil {
			return t, err
		}
	}
}

// find returns the release that a qualifier names and that can be invoked.
func (r *Router) find(id lambda.FunctionID, qualifier string) (*entry, *release, error) {
	e := r.directory.get(id)
	if e == nil {
		return nil, nil, notFound(id, qualifier)
	}
	v := e.version(qualifier)
	if v == nil {
		return nil, nil, notFound(id, qualifier)
	}
	return e, v, invocable(v.state)
}

// version returns nil for a qualifier that names nothing.
func (e *entry) version(qualifier string) *release {
	if s, ok := e.aliases[qualifier]; ok {
		return s.pick()
	}
	return e.find(qualifier)
}

// notFound is AWS's answer, with the ARN as the caller named the function.
func notFound(id lambda.FunctionID, qualifier string) error {
	return lambda.NewError(lambda.ErrResourceNotFound, "Function not found: %s", id.QualifiedARN(qualifier))
}

// invocable is nil for a version in a state that can be invoked. Source: AWS Lambda
// Developer Guide, "Lambda function states"; texts as the API answers.
func invocable(state string) error {
	switch state {
	case "Active":
		return nil
	case "Inactive":
		return lambda.NewError(lambda.ErrResourceNotReady,
			"The function is inactive. Try again when its state is Active.")
	}
	return lambda.NewError(lambda.ErrResourceConflict,
		"The operation cannot be performed at this time. The function is currently in the following state: %s", state)
}
