package move

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
)

// behind says what is attached to a function and stays where it is: resource policies, which
// name callers of the place that they are in, settings of event invocations, which name
// destinations there, and provisioned concurrency.
func (a *API) behind(ctx context.Context, f *Function) (left []string, err error) {
	qualifiers := []*string{nil}
	for i := range f.Aliases {
		qualifiers = append(qualifiers, &f.Aliases[i].Name)
	}
	for i := range f.Versions {
		if f.Versions[i].Number != latest {
			qualifiers = append(qualifiers, &f.Versions[i].Number)
		}
	}
	for _, q := range qualifiers {
		has, err := a.hasPolicy(ctx, f.Name, q)
		if err != nil {
			return nil, err
		}
		if has {
			left = append(left, "the resource policy of "+named(f.Name, q))
		}
	}
	events, err := a.Client.ListFunctionEventInvokeConfigs(ctx, &awslambda.ListFunctionEventInvokeConfigsInput{FunctionName: &f.Name})
	if err != nil {
		return nil, fmt.Errorf("reading the settings of event invocations: %w", err)
	}
	if len(events.FunctionEventInvokeConfigs) > 0 {
		left = append(left, "the settings of its event invocations")
	}
	provisioned, err := a.provisioned(ctx, f.Name)
	return append(left, provisioned...), err
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

func (a *API) hasPolicy(ctx context.Context, name string, qualifier *string) (bool, error) {
	_, err := a.Client.GetPolicy(ctx, &awslambda.GetPolicyInput{FunctionName: &name, Qualifier: qualifier})
	if isMissing(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the resource policy: %w", err)
	}
	return true, nil
}

func named(function string, qualifier *string) string {
	if qualifier == nil {
		return function
	}
	return function + ":" + *qualifier
}
