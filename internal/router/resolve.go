package router

import "lambent.dev/lambent/internal/lambda"

// Resolve returns the version that a qualifier names: "" and "$LATEST" the unpublished
// one, a number a published one, an alias the one that it points at, or the other of the
// two that it points at with its weight. The error is Lambda's for one that is not known or
// cannot be invoked in its state.
func (r *Router) Resolve(id lambda.FunctionID, qualifier string) (*lambda.Target, error) {
	e := r.directory.get(id)
	if e == nil {
		return nil, notFound(id, qualifier)
	}
	target := e.version(qualifier)
	if target == nil {
		return nil, notFound(id, qualifier)
	}
	return target, invocable(&target.Version)
}

// version returns nil for a qualifier that names nothing.
func (e *entry) version(qualifier string) *lambda.Target {
	if qualifier == "" || qualifier == lambda.Latest {
		return e.latest
	}
	if s := e.aliases[qualifier]; s != nil {
		return s.pick()
	}
	return e.published[qualifier]
}

// notFound is AWS's answer, with the ARN as the caller named the function.
func notFound(id lambda.FunctionID, qualifier string) error {
	return lambda.NewError(lambda.ErrResourceNotFound, "Function not found: %s", id.QualifiedARN(qualifier))
}

// invocable is nil for a version in a state that can be invoked. Source: AWS Lambda
// Developer Guide, "Lambda function states"; texts as the API answers.
func invocable(v *lambda.Version) error {
	switch v.State {
	case "Active":
		return nil
	case "Inactive":
		return lambda.NewError(lambda.ErrResourceNotReady,
			"The function is inactive. Try again when its state is Active.")
	}
	return lambda.NewError(lambda.ErrResourceConflict,
		"The operation cannot be performed at this time. The function is currently in the following state: %s", v.State)
}
