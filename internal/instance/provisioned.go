package instance

import (
	"errors"
	"fmt"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// ErrInit is wrapped by what Start answers for a target whose function is initialised ahead
// of requests and could not be; a *lambda.InitFailure is too. The log of the function says why.
var ErrInit = errors.New("the function's initialisation failed")

// minProvisionedInit is how long a provisioned function's initialisation may take at
// least; a longer timeout of the function allows that much. Source: AWS Lambda Developer
// Guide, "Understanding the Lambda execution environment lifecycle", init phase.
const minProvisionedInit = 130 * time.Second

// InitLimit bounds the initialisation of a provisioned function, and of one with SnapStart.
func InitLimit(v *lambda.Version) time.Duration {
	return max(minProvisionedInit, time.Duration(v.Timeout)*time.Second)
}

// initLimit bounds the initialisation before the first invocation.
func (i *Instance) initLimit() time.Duration {
	if i.target.Provisioned || i.target.SnapStarts() {
		return InitLimit(&i.target.Version)
	}
	return i.deps.InitTimeout
}

// aheadFault is the error of an initialisation that no request waits for.
func aheadFault(failure *fault, err error) error {
	switch {
	case errors.Is(err, errInitTimeout):
		return fmt.Errorf("%w: %w: %w", ErrInit, &lambda.InitFailure{Type: typeTimeout}, err)
	case err == nil && failure != nil:
		return fmt.Errorf("%w: %w", ErrInit, &lambda.InitFailure{Type: failure.errorType()})
	}
	return err
}

// initialisationType is what AWS_LAMBDA_INITIALIZATION_TYPE says.
func initialisationType(t *lambda.Target) string {
	switch {
	case t.Provisioned:
		return "provisioned-concurrency"
	case t.SnapStarts():
		return "snap-start"
	}
	return "on-demand"
}
