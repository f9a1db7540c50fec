package compat

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"lambent.dev/lambent/test/sdk/lambent"
)

// pythons are the identifiers that recordings use, best stand-ins first.
var pythons = []string{"python3.12", "python3.11", "python3.10", "python3.9", "python3.13", "python3.8", "python3.14"}

// runtimes are the identifiers of Python that this host offers, in the order of pythons.
type runtimes []string

// standIn is what runs here for a recorded runtime: itself, if the host has it.
func (r runtimes) standIn(recorded string) string {
	for _, offered := range r {
		if offered == recorded {
			return recorded
		}
	}
	if len(r) == 0 {
		return lambent.HostPython()
	}
	return r[0]
}

// offered finds out which runtimes the running Lambent creates functions for.
func offered(ctx context.Context, d *lambent.Daemon) (runtimes, error) {
	api := lambda.New(d.Options())
	archive, err := archive("handler.py", []byte("def handler(event, context): pass\n"), "")
	if err != nil {
		return nil, err
	}
	var found runtimes
	for _, python := range pythons {
		name := aws.String("compat-probe")
		_, err := api.CreateFunction(ctx, &lambda.CreateFunctionInput{
			FunctionName: name, Role: aws.String(role), Handler: aws.String("handler.handler"),
			Runtime: types.Runtime(python), Code: &types.FunctionCode{ZipFile: archive},
		})
		var refused *types.InvalidParameterValueException
		if errors.As(err, &refused) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, python)
		if _, err := api.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: name}); err != nil {
			return nil, err
		}
	}
	return found, nil
}
