package lambdaapi

import (
	"context"
	"errors"
	"net/http"
	"runtime"

	"github.com/google/uuid"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

// createFunction answers CreateFunction: the function is stored as Pending, and its
// activation goes on behind the answer.
func createFunction(c *call) error {
	release, err := c.admitUpload()
	if err != nil {
		return err
	}
	defer release()
	var in createFunctionRequest
	if err := c.readRequest(lambda.MaxCreateBody, &in); err != nil {
		return err
	}
	defer c.readProviders(in.CapacityProviderConfig)()
	fn, err := c.newFunction(&in)
	if err != nil {
		return err
	}
	if err := c.keep(&fn, &in); err != nil {
		return err
	}
	return c.answer(http.StatusCreated, describeCreated(&fn))
}

// admitUpload waits until there is memory for one more package.
func (c *call) admitUpload() (release func(), err error) {
	if c.signedBody != nil {
		return func() {}, nil // authenticate waited
	}
	select {
	case c.uploads <- struct{}{}:
		return func() { <-c.uploads }, nil
	case <-c.ctx().Done():
		return nil, context.Cause(c.ctx())
	}
}

// newFunction checks the request and makes the function of it, still without code.
func (c *call) newFunction(in *createFunctionRequest) (lambda.Function, error) {
	id, err := c.newID(in)
	if err != nil {
		return lambda.Function{}, err
	}
	fn := lambda.Function{ID: id, Tags: values(in.Tags), Latest: in.version(id)}
	if err := c.checkFunction(in, &fn); err != nil {
		return lambda.Function{}, err
	}
	return fn, nil
}

func (c *call) newID(in *createFunctionRequest) (lambda.FunctionID, error) {
	var v lambda.Violations
	ref := lambda.Reference{}
	if in.FunctionName != nil {
		ref = lambda.NameToCreate.Parse(*in.FunctionName, &v)
	}
	in.validate(&v)
	if err := v.Err(); err != nil {
		return lambda.FunctionID{}, err
	}
	if ref.Qualifier != "" {
		return lambda.FunctionID{}, invalid("A function is created without a qualifier: leave out %q.", ":"+ref.Qualifier)
	}
	id, err := ref.Resolve(c.who.account, c.who.region)
	if err != nil {
		return lambda.FunctionID{}, err
	}
	return id, c.who.mayUse(c.operation, id)
}

// version renders the configuration that the request describes, with AWS's defaults.
func (in *createFunctionRequest) version(id lambda.FunctionID) lambda.Version {
	v := lambda.Version{
		Version: lambda.Latest, Timeout: lambda.DefaultTimeout, MemorySize: lambda.DefaultMemory, TmpSize: lambda.DefaultTmp,
		PackageType: "Zip", Architecture: hostArchitecture(), TracingMode: "PassThrough",
		Logging: lambda.Logging{Format: "Text", Group: id.LogGroup()},
		State:   "Pending", StateReason: creating, StateReasonCode: creatingCode,
		RevisionID: uuid.NewString(), LastModified: modifiedNow(), Generation: nextGeneration(0),
	}
	in.apply(&v)
	v.Tenancy = in.TenancyConfig.mode()
	return v
}

// hostArchitecture is the host's, in AWS's word.
func hostArchitecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// keep stores code and function, makes the function known and has it activated.
func (c *call) keep(fn *lambda.Function, in *createFunctionRequest) error {
	if _, err := c.Store.Function(c.ctx(), fn.ID); err == nil {
		return errExists(fn.ID)
	} else if !isMissing(err) {
		return err
	}
	if err := c.admitCode(fn.ID.Account, int64(len(in.Code.ZipFile))); err != nil {
		return err
	}
	code, err := c.storeSource(in.Code)
	if err != nil {
		return err
	}
	fn.Latest.Code = code
	if err := c.checkUnzipped(&fn.Latest); err != nil {
		return err
	}
	if or(in.Publish, false) {
		publish(fn, nil)
	}
	err = c.storing(fn.ID.Account, func(left int64) error {
		if err := fits(fn.CodeSize(), left); err != nil {
			return err
		}
		return c.commit(fn)
	})
	if err != nil {
		return err
	}
	c.activations.add(fn.ID)
	return nil
}

func (c *call) commit(fn *lambda.Function) error {
	lock := c.changes.of(fn.ID)
	lock.Lock()
	defer lock.Unlock()
	err := c.Store.CreateFunction(c.ctx(), *fn)
	if errors.Is(err, store.ErrExists) {
		return errExists(fn.ID)
	}
	if err != nil {
		return err
	}
	return c.Directory.Put(*fn)
}

func errExists(id lambda.FunctionID) error {
	return lambda.NewError(lambda.ErrResourceConflict, "Function already exist: %s", id.Name)
}

// describeCreated shows the published version under the unqualified ARN: that is what
// CreateFunction with Publish answers.
func describeCreated(fn *lambda.Function) configuration {
	if len(fn.Published) > 0 {
		return describe(fn.ID, &fn.Published[0], "")
	}
	return describe(fn.ID, &fn.Latest, "")
}
