package cli

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"lambent.dev/lambent/internal/bundle"
)

// apply creates the function, or changes what differs.
func (d *deployer) apply(ctx context.Context, p *bundle.Package) (*deployed, error) {
	there, err := d.api.GetFunction(ctx, &awslambda.GetFunctionInput{FunctionName: &p.Name})
	action := "created"
	switch {
	case isCode(err, "ResourceNotFoundException"):
		err = d.create(ctx, p)
	case err == nil:
		action, err = d.update(ctx, p, there)
	}
	if err != nil {
		return nil, d.explain(err)
	}
	now, err := d.describe(ctx, p.Name)
	if err != nil {
		return nil, err
	}
	return &deployed{*now, action}, nil
}

func (d *deployer) create(ctx context.Context, p *bundle.Package) error {
	in := &awslambda.CreateFunctionInput{
		FunctionName: &p.Name, Runtime: types.Runtime(p.Runtime), Handler: &p.Handler,
		Role: aws.String("arn:aws:iam::" + d.settings.Account + ":role/lambent"),
		Code: &types.FunctionCode{ZipFile: p.Zip}, Description: optional(d.want.description),
		MemorySize: optional(d.want.memory), Timeout: optional(d.want.timeout),
		Tags: d.want.tags,
	}
	if len(d.want.variables) > 0 {
		in.Environment = &types.Environment{Variables: d.want.variables}
	}
	if _, err := d.api.CreateFunction(ctx, in); err != nil {
		return err
	}
	return d.settled(ctx, p.Name)
}

// optional is a pointer to a value that was asked for.
func optional[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}

// update changes code, configuration and tags, each only where it differs: configuration
// before code, so that new code never runs under the settings of the old.
func (d *deployer) update(ctx context.Context, p *bundle.Package, there *awslambda.GetFunctionOutput) (string, error) {
	action := "unchanged"
	for _, step := range []func(context.Context, *bundle.Package, *awslambda.GetFunctionOutput) (bool, error){
		d.updateTags, d.updateConfiguration, d.updateCode,
	} {
		changed, err := step(ctx, p, there)
		if err != nil {
			return "", err
		}
		if changed {
			action = "updated"
		}
	}
	return action, nil
}

func (d *deployer) updateCode(ctx context.Context, p *bundle.Package, there *awslambda.GetFunctionOutput) (bool, error) {
	sum := sha256.Sum256(p.Zip)
	if aws.ToString(there.Configuration.CodeSha256) == base64.StdEncoding.EncodeToString(sum[:]) {
		return false, nil
	}
	_, err := d.api.UpdateFunctionCode(ctx, &awslambda.UpdateFunctionCodeInput{FunctionName: &p.Name, ZipFile: p.Zip})
	if err != nil {
		return false, err
	}
	return true, d.settled(ctx, p.Name)
}

func (d *deployer) updateConfiguration(ctx context.Context, p *bundle.Package, there *awslambda.GetFunctionOutput) (bool, error) {
	in, changed := d.difference(p, there.Configuration)
	if !changed {
		return false, nil
	}
	if _, err := d.api.UpdateFunctionConfiguration(ctx, in); err != nil {
		return false, err
	}
	return true, d.settled(ctx, p.Name)
}

// difference is the request that makes a configuration what is wanted.
func (d *deployer) difference(p *bundle.Package, now *types.FunctionConfiguration) (*awslambda.UpdateFunctionConfigurationInput, bool) {
	in, changed := &awslambda.UpdateFunctionConfigurationInput{FunctionName: &p.Name}, false
	if string(now.Runtime) != p.Runtime {
		in.Runtime, changed = types.Runtime(p.Runtime), true
	}
	if aws.ToString(now.Handler) != p.Handler {
		in.Handler, changed = &p.Handler, true
	}
	if m := d.want.memory; m != 0 && m != aws.ToInt32(now.MemorySize) {
		in.MemorySize, changed = &m, true
	}
	if t := d.want.timeout; t != 0 && t != aws.ToInt32(now.Timeout) {
		in.Timeout, changed = &t, true
	}
	if text := d.want.description; text != "" && text != aws.ToString(now.Description) {
		in.Description, changed = &text, true
	}
	if all, differ := merged(variablesOf(now), d.want.variables); differ {
		in.Environment, changed = &types.Environment{Variables: all}, true
	}
	return in, changed
}

func variablesOf(c *types.FunctionConfiguration) map[string]string {
	if c.Environment == nil {
		return nil
	}
	return c.Environment.Variables
}

// merged is there with want over it, and whether that makes a difference.
func merged(there, want map[string]string) (map[string]string, bool) {
	all := maps.Clone(there)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, want)
	return all, !maps.Equal(all, there)
}

func (d *deployer) updateTags(ctx context.Context, _ *bundle.Package, there *awslambda.GetFunctionOutput) (bool, error) {
	if _, differ := merged(there.Tags, d.want.tags); !differ || len(d.want.tags) == 0 {
		return false, nil
	}
	_, err := d.api.TagResource(ctx, &awslambda.TagResourceInput{Resource: there.Configuration.FunctionArn, Tags: d.want.tags})
	return true, err
}

const (
	settleEvery = 50 * time.Millisecond
	settleLimit = 5 * time.Minute
)

var errSettle = fmt.Errorf("the function was not ready after %v: the server's log may say why", settleLimit)

// settled waits until a function has taken what was last asked of it.
func (s *server) settled(ctx context.Context, name string) error {
	ctx, stop := context.WithTimeoutCause(ctx, settleLimit, errSettle)
	defer stop()
	for {
		c, err := s.api.GetFunctionConfiguration(ctx, &awslambda.GetFunctionConfigurationInput{FunctionName: &name})
		if err != nil {
			return err
		}
		if done, err := outcome(c); done {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(settleEvery):
		}
	}
}

// outcome says whether a function has come to rest, and how.
func outcome(c *awslambda.GetFunctionConfigurationOutput) (done bool, err error) {
	switch {
	case c.State == types.StateFailed:
		return true, errors.New("the function failed to start: " + aws.ToString(c.StateReason))
	case c.LastUpdateStatus == types.LastUpdateStatusFailed:
		return true, errors.New("the update failed, the function runs as before: " + aws.ToString(c.LastUpdateStatusReason))
	}
	return c.State != types.StatePending && c.LastUpdateStatus != types.LastUpdateStatusInProgress, nil
}
