package move

import (
	"context"
	"errors"
	"fmt"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
)

// behind says what is attached to a function and stays where it is, because it would take
// events or requests away from there: event source mappings and function URLs.
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
	return left, nil
}

// unknown reports whether a server does not have an operation, and so nothing that it would
// list.
func unknown(err error) bool {
	var answer smithy.APIError
	return errors.As(err, &answer) && answer.ErrorCode() == "UnknownOperationException"
}
