package instance

import (
	"errors"
	"fmt"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// ErrInit is wrapped by what Start answers for a provisioned target whose function could
// not be initialised. The log of the function says why.
var ErrInit = errors.New("the function's initialisation failed")

// minProvisionedInit is how long a provisioned function's initialisation may take at
// least; a longer timeout of the function allows that much. Source: AWS Lambda Developer
// Guide, "Understanding the Lambda execution environment lifecycle", init phase.
const minProvisionedInit = 130 * time.Second

// InitLimit bounds the initialisation of a provisioned function.
func InitLimit(v *lambda.Version) time.Duration {
	return max(minProvisionedInit, time.Duration(v.Timeout)*time.Second)
}

// initLimit bounds the initialisation before the first invocation.
func (i *Instance) initLimit() time.Duration {
	if i.target.Provisioned {
		return InitLimit(&i.target.Version)
	}
	return i.deps.InitTimeout
}

// provisionedFault is the error of an initialisation that no request waits for.
func provisionedFault(failure *fault, err error) error {
	switch {
	case errors.Is(err, errInitTimeout):
		return fmt.Errorf("%w: %w", ErrInit, err)
	case err == nil && failure != nil:
		return fmt.Errorf("%w: %s", ErrInit, failure.errorType())
	}
	return err
}

// initialisationType is what AWS_LAMBDA_INITIALIZATION_TYPE says.
func initialisationType(t *lambda.Target) string {
	if t.Provisioned {
		return "provisioned-concurrency"
	}
	return "on-demand"
}
