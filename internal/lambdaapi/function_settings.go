package lambdaapi

import (
	"net/http"

	"lambent.dev/lambent/internal/lambda"
)

// getFunctionCodeSigningConfig answers GetFunctionCodeSigningConfig: no function has
// one, which is a success without members.
func getFunctionCodeSigningConfig(c *call) error {
	if _, err := c.readWhole(); err != nil {
		return err
	}
	return c.nothing()
}

type runtimeManagement struct {
	UpdateRuntimeOn string
	FunctionArn     string
}

// getRuntimeManagementConfig answers GetRuntimeManagementConfig. The host's
// interpreters are updated by its owner, and functions follow: that is Auto.
func getRuntimeManagementConfig(c *call) error {
	var v lambda.Violations
	n, err := c.function(lambda.NameToRead, &v)
	if err != nil {
		return err
	}
	fn, err := c.stored(n, errNotFound(n))
	if err != nil {
		return err
	}
	if revisionOf(&fn, n.qualifier) == nil {
		return errNotFound(n)
	}
	return c.answer(http.StatusOK, runtimeManagement{"Auto", n.id.QualifiedARN(n.qualifier)})
}

// What is done with a function that invokes itself without end.
const (
	recursionAllow     = "Allow"
	recursionTerminate = "Terminate"
)

type recursionConfig struct{ RecursiveLoop *string }

// getFunctionRecursionConfig answers GetFunctionRecursionConfig.
func getFunctionRecursionConfig(c *call) error {
	fn, err := c.readWhole()
	if err != nil {
		return err
	}
	loop := fn.RecursiveLoop
	if loop == "" {
		loop = recursionTerminate
	}
	return c.answer(http.StatusOK, recursionConfig{&loop})
}

// putFunctionRecursionConfig answers PutFunctionRecursionConfig.
func putFunctionRecursionConfig(c *call) error {
	var in recursionConfig
	if err := c.readRequest(maxRequest, &in); err != nil {
		return err
	}
	var v lambda.Violations
	if in.RecursiveLoop == nil {
		v.Missing("recursiveLoop")
	}
	enum(&v, "recursiveLoop", in.RecursiveLoop, recursionAllow, recursionTerminate)
	id, err := c.wholeFunction(lambda.NameToUpdate, &v)
	if err != nil {
		return err
	}
	err = c.amend(id, errNotFound(named{id: id}), func(fn *lambda.Function) error {
		fn.RecursiveLoop = *in.RecursiveLoop
		return nil
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, in)
}
