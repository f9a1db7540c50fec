package lambdaapi

import (
	"net/http"
	"strings"

	"github.com/google/uuid"

	"lambent.dev/lambent/internal/lambda"
)

// wholeFunction reads the FunctionName label of an operation that knows no versions.
func (c *call) wholeFunction(rule lambda.NameRule, v *lambda.Violations) (lambda.FunctionID, error) {
	ref := rule.Parse(c.labels["FunctionName"], v)
	if err := v.Err(); err != nil {
		return lambda.FunctionID{}, err
	}
	id, err := ref.Resolve(c.who.account, c.who.region)
	if err != nil {
		return lambda.FunctionID{}, err
	}
	if ref.Qualifier != "" {
		return lambda.FunctionID{}, invalid("This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. " +
			"Please specify either a function name or an unqualified function ARN.")
	}
	return id, c.who.mayUse(c.operation, id)
}

// readWhole reads the function of a reading operation that knows no versions.
func (c *call) readWhole() (lambda.Function, error) {
	var v lambda.Violations
	id, err := c.wholeFunction(lambda.NameToRead, &v)
	if err != nil {
		return lambda.Function{}, err
	}
	return c.stored(named{id: id}, errNotFound(named{id: id}))
}

// stored reads a function; missing is the answer if there is none.
func (c *call) stored(n named, missing error) (lambda.Function, error) {
	fn, err := c.read(c.ctx(), n.id)
	if isMissing(err) {
		return fn, missing
	}
	return fn, err
}

// amend changes a function; missing is the answer if there is none.
func (c *call) amend(id lambda.FunctionID, missing error, apply func(*lambda.Function) error) error {
	_, err := c.change(c.ctx(), id, apply)
	if isMissing(err) {
		return missing
	}
	return err
}

// revisionOf is the revision of what a qualifier names: the function, a version or an
// alias. It is nil if the qualifier names nothing.
func revisionOf(fn *lambda.Function, qualifier string) *string {
	if qualifier == "" || qualifier == lambda.Latest {
		return &fn.Latest.RevisionID
	}
	if alias := fn.Alias(qualifier); alias != nil {
		return &alias.RevisionID
	}
	if v := fn.Find(qualifier); v != nil {
		return &v.RevisionID
	}
	return nil
}

// errNothingNamed is AWS's answer for a qualifier that names nothing.
func errNothingNamed(n named) error {
	if aliasName(n.qualifier) {
		return lambda.NewError(lambda.ErrResourceNotFound, "Cannot find alias arn: %s", n.id.QualifiedARN(n.qualifier))
	}
	return errNotFound(n)
}

// aliasName reports whether a qualifier can only mean an alias: it is neither a number
// nor has a "$".
func aliasName(qualifier string) bool {
	return strings.Trim(qualifier, "0123456789") != "" && !strings.Contains(qualifier, "$")
}

func errNoSuchResource() error {
	return lambda.NewError(lambda.ErrResourceNotFound, "The resource you requested does not exist.")
}

// nothing answers an operation that has no result to tell of.
func (c *call) nothing() error {
	return c.answer(http.StatusOK, struct{}{})
}

func newRevision() string { return uuid.NewString() }
