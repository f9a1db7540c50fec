package move

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// behind says what is attached to a function and stays where it is: event source mappings and
// function URLs, because they would take events or requests away from there, and provisioned
// concurrency.
func (a *API) behind(ctx context.Context, f *Function) (left []string, err error) {
	sources, err := a.Client.ListEventSourceMappings(ctx, &awslambda.ListEventSourceMappingsInput{FunctionName: &f.Name})
	if err != nil && !unknown(err) {
		return nil, fmt.Errorf("reading the event source mappings: %w", err)
	}
	if err == nil && len(sources.EventSourceMappings) > 0 {
		left = append(left, "its event source mappings")
	}
	urls, err := a.Client.ListFunctionUrlConfigs(ctx, &awslambda.ListFunctionUrlConfigsInput{FunctionName: &f.Name})
	if err != nil && !unknown(err) {
		return nil, fmt.Errorf("reading the function URLs: %w", err)
	}
	if err == nil && len(urls.FunctionUrlConfigs) > 0 {
		left = append(left, "its function URLs")
	}
	provisioned, err := a.provisioned(ctx, f.Name)
	if err != nil {
		return nil, err
	}
	pinned, err := a.pinned(ctx, f)
	return slices.Concat(left, provisioned, pinned), err
}

// pinned names the versions whose runtime is not updated by itself: here it is the host's or an image's.
func (a *API) pinned(ctx context.Context, f *Function) (left []string, err error) {
	for i := range f.Versions {
		number := f.Versions[i].Number
		c, err := a.Client.GetRuntimeManagementConfig(ctx, &awslambda.GetRuntimeManagementConfigInput{FunctionName: &f.Name, Qualifier: &number})
		switch {
		case unknown(err):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("reading how the runtime is updated: %w", err)
		case c.UpdateRuntimeOn == types.UpdateRuntimeOnManual:
			left = append(left, "the runtime version "+aws.ToString(c.RuntimeVersionArn)+" that "+number+" is pinned to")
		case c.UpdateRuntimeOn == types.UpdateRuntimeOnFunctionUpdate:
			left = append(left, "that the runtime of "+number+" is updated with the function only")
		}
	}
	return left, nil
}

// ofAWS names what of a version only AWS's own services can honour and code does not see.
func ofAWS(c *types.FunctionConfiguration) (left []string) {
	if key := aws.ToString(c.KMSKeyArn); key != "" {
		left = append(left, "its KMS key "+key+" (here environment variables are encrypted with the server's key)")
	}
	if profile := aws.ToString(c.SigningProfileVersionArn); profile != "" {
		left = append(left, "its code signature of "+profile)
	}
	return left
}

// provisioned names the provisioned concurrency of a function, which costs memory that the
// new place may not have.
func (a *API) provisioned(ctx context.Context, name string) (left []string, err error) {
	pages := awslambda.NewListProvisionedConcurrencyConfigsPaginator(a.Client, &awslambda.ListProvisionedConcurrencyConfigsInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the provisioned concurrency: %w", err)
		}
		for _, c := range page.ProvisionedConcurrencyConfigs {
			arn := aws.ToString(c.FunctionArn)
			left = append(left, "the provisioned concurrency of "+arn[strings.LastIndexByte(arn, ':')+1:])
		}
	}
	return left, nil
}

// unknown reports whether a server does not have an operation, and so nothing that it would
// list.
func unknown(err error) bool {
	var answer smithy.APIError
	return errors.As(err, &answer) && answer.ErrorCode() == "UnknownOperationException"
}
