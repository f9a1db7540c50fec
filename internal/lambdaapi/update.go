package lambdaapi

import (
	"net/http"

	"github.com/google/uuid"

	"lambent.dev/lambent/internal/lambda"
)

// updateFunctionConfiguration answers UpdateFunctionConfiguration: the update is stored as
// in progress, and its activation goes on behind the answer.
func updateFunctionConfiguration(c *call) error {
	var in updateConfigurationRequest
	if err := c.readRequest(maxRequest, &in); err != nil {
		return err
	}
	var v lambda.Violations
	in.validate(&v)
	n, err := c.whole(&v)
	if err != nil {
		return err
	}
	if err := in.refuseUnsupported(); err != nil {
		return err
	}
	layers, err := c.layerRefs(in.Layers, n.id.Region)
	if err != nil {
		return err
	}
	defer c.readProviders(in.CapacityProviderConfig)()
	place := lambda.Version{}
	if err := c.placeUnder(&place, in.CapacityProviderConfig); err != nil {
		return err
	}
	fn, err := c.update(n, func(fn *lambda.Function) error { return c.reconfigure(fn, &in, layers, place.Capacity) })
	if err != nil {
		return err
	}
	c.activations.add(fn.ID)
	return c.answer(http.StatusOK, describe(fn.ID, &fn.Latest, ""))
}

// reconfigure begins an update; layers are those of the request, which are not looked at
// where it names none, and under is the capacity provider that it names.
func (c *call) reconfigure(fn *lambda.Function, in *updateConfigurationRequest, layers []lambda.LayerRef, under *lambda.Capacity) error {
	if err := updatable(fn, in.RevisionId); err != nil {
		return err
	}
	next := fn.Latest
	in.apply(&next)
	if err := moveUnder(&next, under); err != nil {
		return err
	}
	if err := c.checkTierOf(fn, &next); err != nil {
		return err
	}
	if err := c.checkConfiguration(&in.configurationRequest, &next); err != nil {
		return err
	}
	if err := checkSnapStart(fn, &next); err != nil {
		return err
	}
	if in.Layers != nil {
		next.Layers = layers
		if err := c.checkUnzipped(&next); err != nil {
			return err
		}
	}
	begin(fn, next)
	return nil
}

// whole reads the FunctionName of an operation on a function, not on a version of it.
func (c *call) whole(v *lambda.Violations) (named, error) {
	n, err := c.function(lambda.NameToUpdate, v)
	if err != nil {
		return named{}, err
	}
	if n.qualifier != "" && n.qualifier != lambda.Latest {
		return named{}, invalid("%s is about a function and not about a version or an alias: leave out %q.", c.operation, ":"+n.qualifier)
	}
	return named{id: n.id}, nil
}

// update changes a function that must be there.
func (c *call) update(n named, apply func(*lambda.Function) error) (lambda.Function, error) {
	fn, err := c.change(c.ctx(), n.id, apply)
	if isMissing(err) {
		err = errNotFound(n)
	}
	return fn, err
}

// updatable is nil if $LATEST may be changed, by a caller that knows this revision of it.
func updatable(fn *lambda.Function, revision *string) error {
	if err := sameRevision(revision, fn.Latest.RevisionID); err != nil {
		return err
	}
	const notNow = "The operation cannot be performed at this time. "
	switch {
	case fn.Latest.State != "Active":
		return lambda.NewError(lambda.ErrResourceConflict, notNow+"The function is currently in the following state: %s", fn.Latest.State)
	case fn.Latest.LastUpdateStatus == "InProgress":
		return lambda.NewError(lambda.ErrResourceConflict, notNow+"An update is in progress for resource: %s", fn.ID.ARN())
	}
	return nil
}

// sameRevision refuses a caller that has read another revision.
func sameRevision(asked *string, current string) error {
	if asked == nil || *asked == "" || *asked == current {
		return nil
	}
	return lambda.NewError(lambda.ErrPreconditionFailed,
		"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
}

// begin puts the next state of $LATEST into a function, to be activated. What serves goes
// on serving until then. An update that changes nothing keeps the generation, and with
// it the instances.
func begin(fn *lambda.Function, next lambda.Version) {
	if fn.Serving == nil {
		was := fn.Latest
		fn.Serving = &was
	}
	if next.Content() != fn.Latest.Content() {
		next.Generation = nextGeneration(fn.Latest.Generation)
	}
	next.RevisionID, next.LastModified = uuid.NewString(), modifiedNow()
	next.LastUpdateStatus = "InProgress"
	next.LastUpdateStatusReason, next.LastUpdateStatusReasonCode = creating, creatingCode
	fn.Latest = next
}
