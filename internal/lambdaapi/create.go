package lambdaapi

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"time"

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
	if err := c.readCreate(&in); err != nil {
		return err
	}
	fn, err := c.newFunction(&in)
	if err != nil {
		return err
	}
	if err := c.keep(&fn, in.Code); err != nil {
		return err
	}
	return c.answer(http.StatusCreated, describeCreated(&fn))
}

// admitUpload waits until there is memory for one more package.
func (c *call) admitUpload() (release func(), err error) {
	select {
	case c.uploads <- struct{}{}:
		return func() { <-c.uploads }, nil
	case <-c.ctx().Done():
		return nil, context.Cause(c.ctx())
	}
}

func (c *call) readCreate(in *createFunctionRequest) error {
	body, err := c.body(lambda.MaxCreateBody)
	if errors.Is(err, errBodyTooLarge) {
		return lambda.NewError(lambda.ErrRequestEntityTooLarge,
			"Request must be smaller than %d bytes for the CreateFunction operation", lambda.MaxCreateBody)
	}
	if err != nil {
		return err
	}
	return decode(body, in)
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
		Version: lambda.Latest, Description: or(in.Description, ""), Role: or(in.Role, ""),
		Runtime: or(in.Runtime, ""), Handler: or(in.Handler, ""),
		Timeout: or(in.Timeout, lambda.DefaultTimeout), MemorySize: or(in.MemorySize, lambda.DefaultMemory),
		TmpSize: lambda.DefaultTmp, PackageType: "Zip", Architecture: hostArchitecture(), TracingMode: "PassThrough",
		Logging: in.LoggingConfig.logging(id),
		State:   "Pending", StateReason: "The function is being created.", StateReasonCode: "Creating",
		RevisionID: uuid.NewString(), LastModified: time.Now().UTC().Truncate(time.Millisecond),
	}
	// A function that is made again under the name of a deleted one must not look like
	// it to a pool: generations go on rising with the clock.
	v.Generation = uint64(time.Now().UnixNano())
	if in.Environment != nil {
		v.EnvironmentSet, v.Environment = true, values(in.Environment.Variables)
	}
	if in.EphemeralStorage != nil {
		v.TmpSize = *in.EphemeralStorage.Size
	}
	if in.TracingConfig != nil {
		v.TracingMode = or(in.TracingConfig.Mode, v.TracingMode)
	}
	return v
}

// logging renders LoggingConfig; JSON brings levels with it.
func (l *loggingRequest) logging(id lambda.FunctionID) lambda.Logging {
	out := lambda.Logging{Format: "Text", Group: id.LogGroup()}
	if l == nil {
		return out
	}
	out.Format, out.Group = or(l.LogFormat, out.Format), or(l.LogGroup, out.Group)
	if out.Format == "JSON" {
		out.ApplicationLevel, out.SystemLevel = or(l.ApplicationLogLevel, "INFO"), or(l.SystemLogLevel, "INFO")
	}
	return out
}

// hostArchitecture is the host's, in AWS's word.
func hostArchitecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// keep stores code and function, makes the function known and has it activated.
func (c *call) keep(fn *lambda.Function, source *packageSource) error {
	if _, err := c.Store.Function(c.ctx(), fn.ID); err == nil {
		return errExists(fn.ID)
	} else if !isMissing(err) {
		return err
	}
	code, err := c.storeSource(source)
	if err != nil {
		return err
	}
	fn.Latest.Code = code
	if err := c.checkUnzipped(&fn.Latest); err != nil {
		return err
	}
	for i := range fn.Published {
		fn.Published[i].Code = code
	}
	if err := c.commit(fn); err != nil {
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
