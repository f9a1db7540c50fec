package move

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// Target is a server that functions are made on.
type Target struct {
	Client  *awslambda.Client
	Settled func(ctx context.Context, name string) error // waits until an update is done

	arns map[place]string // of layers that it has
}

// ErrExists is the answer for a function that the target has already.
var ErrExists = errors.New("there is a function of this name already")

// Put makes a function with all its versions, or nothing: after an error the function is
// removed again, and the layers that were published for it. notes say, for people, what is
// not as it was.
func (t *Target) Put(ctx context.Context, from Source, f *Function) (notes []string, err error) {
	_, err = t.Client.GetFunction(ctx, &awslambda.GetFunctionInput{FunctionName: &f.Name})
	if err == nil {
		return nil, ErrExists
	}
	if !isMissing(err) {
		return nil, err
	}
	if len(f.Versions) == 0 {
		return nil, errors.New("it has no version")
	}
	layers, err := t.shelve(ctx, from, f)
	if err != nil {
		return nil, err
	}
	if notes, err = t.make(ctx, from, f, layers); err != nil {
		return nil, errors.Join(err, t.clear(ctx, layers))
	}
	return append(layers.notes, notes...), nil
}

// make makes the function, whose layers are there.
func (t *Target) make(ctx context.Context, from Source, f *Function, layers *shelf) (notes []string, err error) {
	if err := t.create(ctx, from, f, layers); err != nil {
		return nil, err
	}
	if err := t.fill(ctx, from, f, layers); err != nil {
		return nil, errors.Join(err, t.remove(ctx, f.Name))
	}
	if notes, err = t.attach(ctx, f); err != nil {
		return nil, errors.Join(err, t.remove(ctx, f.Name))
	}
	return notes, nil
}

func isMissing(err error) bool {
	var refused smithy.APIError
	return errors.As(err, &refused) && refused.ErrorCode() == "ResourceNotFoundException"
}

const removeLimit = 10 * time.Second

var errRemoveLimit = fmt.Errorf("removing it took more than %v", removeLimit)

// remove undoes, also when ctx has ended.
func (t *Target) remove(ctx context.Context, name string) error {
	ctx, stop := context.WithTimeoutCause(context.WithoutCancel(ctx), removeLimit, errRemoveLimit)
	defer stop()
	_, err := t.Client.DeleteFunction(ctx, &awslambda.DeleteFunctionInput{FunctionName: &name})
	return err
}

func (t *Target) create(ctx context.Context, from Source, f *Function, layers *shelf) error {
	v := &f.Versions[0]
	code, err := from.Code(ctx, f.Name, v)
	if err != nil {
		return err
	}
	in := &awslambda.CreateFunctionInput{
		FunctionName: &f.Name, Tags: f.Tags, Code: &types.FunctionCode{ZipFile: code},
		Runtime: types.Runtime(v.Runtime), Handler: &v.Handler, Role: &v.Role, Description: &v.Description,
		MemorySize: &v.Memory, Timeout: &v.Timeout, EphemeralStorage: &types.EphemeralStorage{Size: &v.Tmp},
		Environment: &types.Environment{Variables: v.Environment}, LoggingConfig: v.logging(), TracingConfig: v.tracing(),
		Layers: layers.list(v), SnapStart: v.snapStart(), TenancyConfig: v.tenancy(),
	}
	if v.Machine != "" {
		in.Architectures = []types.Architecture{types.Architecture(v.Machine)}
	}
	_, err = t.Client.CreateFunction(ctx, in)
	return err
}

// snapStart is the version's setting as the API takes it.
func (v *Version) snapStart() *types.SnapStart {
	if v.SnapStart == "" {
		return &types.SnapStart{ApplyOn: types.SnapStartApplyOnNone}
	}
	return &types.SnapStart{ApplyOn: types.SnapStartApplyOn(v.SnapStart)}
}

// tenancy is set when a function is created, once for all its versions.
func (v *Version) tenancy() *types.TenancyConfig {
	if v.Tenancy == "" {
		return nil
	}
	return &types.TenancyConfig{TenantIsolationMode: types.TenantIsolationMode(v.Tenancy)}
}

func (v *Version) logging() *types.LoggingConfig {
	if v.Logging == nil {
		return nil
	}
	return &types.LoggingConfig{
		LogGroup:            none(v.Logging.Group),
		LogFormat:           types.LogFormat(v.Logging.Format),
		ApplicationLogLevel: types.ApplicationLogLevel(v.Logging.Application),
		SystemLogLevel:      types.SystemLogLevel(v.Logging.System),
	}
}

func (v *Version) tracing() *types.TracingConfig {
	if v.Tracing == "" {
		return nil
	}
	return &types.TracingConfig{Mode: types.TracingMode(v.Tracing)}
}

// fill gives a function that was created with its first version everything else.
func (t *Target) fill(ctx context.Context, from Source, f *Function, layers *shelf) error {
	if err := t.Settled(ctx, f.Name); err != nil {
		return err
	}
	last := 0
	for i := range f.Versions {
		v := &f.Versions[i]
		if i > 0 {
			if err := t.change(ctx, from, f.Name, v, f.Versions[i-1].SHA256, layers); err != nil {
				return err
			}
		}
		if v.Number == latest {
			continue
		}
		if err := t.publish(ctx, f.Name, v, last, layers); err != nil {
			return err
		}
		last = order(v.Number)
	}
	if err := t.alias(ctx, f); err != nil {
		return err
	}
	return t.reserve(ctx, f)
}

// change makes $LATEST what a version is.
func (t *Target) change(ctx context.Context, from Source, name string, v *Version, before string, layers *shelf) error {
	if err := t.configure(ctx, name, v, v.Description, layers); err != nil {
		return err
	}
	if v.SHA256 == before {
		return nil
	}
	code, err := from.Code(ctx, name, v)
	if err != nil {
		return err
	}
	if _, err := t.Client.UpdateFunctionCode(ctx, &awslambda.UpdateFunctionCodeInput{FunctionName: &name, ZipFile: code}); err != nil {
		return err
	}
	return t.Settled(ctx, name)
}

func (t *Target) configure(ctx context.Context, name string, v *Version, description string, layers *shelf) error {
	_, err := t.Client.UpdateFunctionConfiguration(ctx, &awslambda.UpdateFunctionConfigurationInput{
		FunctionName: &name, Runtime: types.Runtime(v.Runtime), Handler: &v.Handler, Role: &v.Role, Description: &description,
		MemorySize: &v.Memory, Timeout: &v.Timeout, EphemeralStorage: &types.EphemeralStorage{Size: &v.Tmp},
		Environment: &types.Environment{Variables: v.Environment}, LoggingConfig: v.logging(), TracingConfig: v.tracing(),
		Layers: layers.list(v), SnapStart: v.snapStart(),
	})
	if err != nil {
		return err
	}
	return t.Settled(ctx, name)
}

// maxGap bounds how many numbers of deleted versions are passed over.
const maxGap = 1000

// publish publishes $LATEST under the number of v. Numbers in between, of versions that
// were deleted at the source, are used up: publish, delete.
func (t *Target) publish(ctx context.Context, name string, v *Version, last int, layers *shelf) error {
	want := order(v.Number)
	if want-last > maxGap {
		return fmt.Errorf("there are more than %d deleted versions before version %s", maxGap, v.Number)
	}
	for last++; last < want; last++ {
		if err := t.pass(ctx, name, v, last, layers); err != nil {
			return fmt.Errorf("passing over version %d: %w", last, err)
		}
	}
	if err := t.configure(ctx, name, v, v.Description, layers); err != nil {
		return err
	}
	out, err := t.Client.PublishVersion(ctx, &awslambda.PublishVersionInput{FunctionName: &name, Description: &v.Description})
	if err != nil {
		return err
	}
	if got := aws.ToString(out.Version); got != v.Number {
		return fmt.Errorf("version %s became version %s", v.Number, got)
	}
	return nil
}

// pass uses a number up. The description makes the version differ from the one before:
// publishing what has not changed gives no new number.
func (t *Target) pass(ctx context.Context, name string, v *Version, number int, layers *shelf) error {
	if err := t.configure(ctx, name, v, fmt.Sprintf("in place of the deleted version %d", number), layers); err != nil {
		return err
	}
	out, err := t.Client.PublishVersion(ctx, &awslambda.PublishVersionInput{FunctionName: &name})
	if err != nil {
		return err
	}
	_, err = t.Client.DeleteFunction(ctx, &awslambda.DeleteFunctionInput{FunctionName: &name, Qualifier: out.Version})
	return err
}

func (t *Target) alias(ctx context.Context, f *Function) error {
	for _, a := range f.Aliases {
		in := &awslambda.CreateAliasInput{FunctionName: &f.Name, Name: &a.Name, FunctionVersion: &a.Version, Description: &a.Description}
		if len(a.Weights) > 0 {
			in.RoutingConfig = &types.AliasRoutingConfiguration{AdditionalVersionWeights: a.Weights}
		}
		if _, err := t.Client.CreateAlias(ctx, in); err != nil {
			return fmt.Errorf("alias %s: %w", a.Name, err)
		}
	}
	return nil
}

func (t *Target) reserve(ctx context.Context, f *Function) error {
	if f.Reserved == nil {
		return nil
	}
	_, err := t.Client.PutFunctionConcurrency(ctx, &awslambda.PutFunctionConcurrencyInput{FunctionName: &f.Name, ReservedConcurrentExecutions: f.Reserved})
	return err
}
