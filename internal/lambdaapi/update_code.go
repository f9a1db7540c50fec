package lambdaapi

import (
	"net/http"

	"lambent.dev/lambent/internal/lambda"
)

// updateFunctionCode answers UpdateFunctionCode.
func updateFunctionCode(c *call) error {
	release, err := c.admitUpload()
	if err != nil {
		return err
	}
	defer release()
	var in updateCodeRequest
	if err := c.readRequest(lambda.MaxCreateBody, &in); err != nil {
		return err
	}
	var v lambda.Violations
	validateArchitectures(&v, in.Architectures)
	in.validate(&v, "")
	n, err := c.whole(&v)
	if err != nil {
		return err
	}
	if err := c.checkCode(n, &in); err != nil {
		return err
	}
	return c.replaceCode(n, &in)
}

// checkCode refuses at once what cannot be done, before code is stored for it.
func (c *call) checkCode(n named, in *updateCodeRequest) error {
	if set(in.ImageUri) { // every function is a Zip
		return invalid("Please don't provide ImageUri when updating a function with packageType Zip.")
	}
	if err := in.refuseUnsupported(); err != nil {
		return err
	}
	fn, err := c.Store.Function(c.ctx(), n.id)
	if isMissing(err) {
		return errNotFound(n)
	}
	if err != nil {
		return err
	}
	if err := updatable(&fn, in.RevisionId); err != nil {
		return err
	}
	if err := checkArchitecture(in.Architectures); err != nil {
		return err
	}
	if err := c.checkTierOf(&fn, &fn.Latest); err != nil {
		return err
	}
	if err := c.checkSource(&in.packageSource); err != nil {
		return err
	}
	return c.admitCode(n.id.Account, int64(len(in.ZipFile))-fn.Latest.Code.Size)
}

func (c *call) replaceCode(n named, in *updateCodeRequest) error {
	if or(in.DryRun, false) {
		return c.answerDryRun(n, in)
	}
	code, err := c.storeSource(&in.packageSource)
	if err != nil {
		return err
	}
	var shown configuration
	fn, err := c.updateCode(n, func(fn *lambda.Function) error {
		if err := updatable(fn, in.RevisionId); err != nil {
			return err
		}
		if err := c.checkUnzipped(&lambda.Version{Code: code, Layers: fn.Latest.Layers}); err != nil {
			return err
		}
		shown = takeCode(fn, code, or(in.Publish, false))
		return nil
	})
	if err != nil {
		return err
	}
	c.activations.add(fn.ID)
	return c.answer(http.StatusOK, shown)
}

// takeCode begins the update and describes what the answer shows: the new version, if one
// was asked for.
func takeCode(fn *lambda.Function, code lambda.Code, publishing bool) configuration {
	next := fn.Latest
	next.Code = code
	begin(fn, next)
	if !publishing {
		return describe(fn.ID, &fn.Latest, "")
	}
	v := publish(fn, nil)
	return describe(fn.ID, v, v.Version)
}

// answerDryRun shows the function as the code would make it; nothing is stored.
func (c *call) answerDryRun(n named, in *updateCodeRequest) error {
	fn, err := c.read(c.ctx(), n.id)
	if isMissing(err) {
		return errNotFound(n)
	}
	if err != nil {
		return err
	}
	if fn.Latest.Code, err = c.codeOf(&in.packageSource); err != nil {
		return err
	}
	return c.answer(http.StatusOK, describe(fn.ID, &fn.Latest, ""))
}
