package lambdaapi

import (
	"math"
	"net/http"

	"lambent.dev/lambent/internal/lambda"
)

// minUnreserved is how much of an account's concurrency functions without a
// reservation keep. Source: AWS Lambda Developer Guide, "Configuring reserved
// concurrency".
const minUnreserved = 100

type putConcurrencyRequest struct{ ReservedConcurrentExecutions *int }

// putFunctionConcurrency answers PutFunctionConcurrency. When it has answered, the
// reservation holds for every invocation that begins.
func putFunctionConcurrency(c *call) error {
	var in putConcurrencyRequest
	if err := c.readRequest(maxRequest, &in); err != nil {
		return err
	}
	var v lambda.Violations
	if in.ReservedConcurrentExecutions == nil {
		v.Missing("reservedConcurrentExecutions")
	}
	number(&v, "reservedConcurrentExecutions", in.ReservedConcurrentExecutions, 0, math.MaxInt)
	id, err := c.wholeFunction(lambda.NameToUpdate, &v)
	if err != nil {
		return err
	}
	if err := c.reserve(id, *in.ReservedConcurrentExecutions); err != nil {
		return err
	}
	return c.answer(http.StatusOK, concurrency{*in.ReservedConcurrentExecutions})
}

// reserve holds a lock from the sum of all claims to its own: two functions
// cannot both take what is left.
func (c *call) reserve(id lambda.FunctionID, n int) error {
	c.reserving.Lock()
	defer c.reserving.Unlock()
	_, claimed, err := c.Store.Usage(c.ctx(), id.Account, id.Region)
	if err != nil {
		return err
	}
	return c.amend(id, errUnknownToChange(id), func(fn *lambda.Function) error {
		if provisioned := fn.ProvisionedTotal(""); n < provisioned {
			return errBelowProvisioned(n, provisioned)
		}
		own := fn.ClaimedConcurrency()
		if free := c.rule(id.Account).Concurrency - claimed + own; n > own && n > free-minUnreserved {
			return invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", minUnreserved)
		}
		fn.ReservedConcurrency = &n
		return nil
	})
}

// errBelowProvisioned has no Type and odd blanks: recorded.
func errBelowProvisioned(reserved, provisioned int) error {
	kind := *lambda.ErrInvalidParameterValue
	kind.Type = ""
	return lambda.NewError(&kind, " ReservedConcurrentExecutions  %d should not be lower than function's total provisioned concurrency [%d].", reserved, provisioned)
}

// errUnknownToChange names the version that a change is for, as AWS does here.
func errUnknownToChange(id lambda.FunctionID) error {
	return errNotFound(named{id, lambda.Latest})
}

// getFunctionConcurrency answers GetFunctionConcurrency.
func getFunctionConcurrency(c *call) error {
	fn, err := c.readWhole()
	if err != nil {
		return err
	}
	if fn.ReservedConcurrency == nil {
		return c.nothing()
	}
	return c.answer(http.StatusOK, concurrency{*fn.ReservedConcurrency})
}

// deleteFunctionConcurrency answers DeleteFunctionConcurrency.
func deleteFunctionConcurrency(c *call) error {
	var v lambda.Violations
	id, err := c.wholeFunction(lambda.NameToUpdate, &v)
	if err != nil {
		return err
	}
	err = c.amend(id, errUnknownToChange(id), func(fn *lambda.Function) error {
		fn.ReservedConcurrency = nil
		return nil
	})
	if err != nil {
		return err
	}
	c.noContent()
	return nil
}
