package move

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// Events are the settings of the event invocations of a function or of what a qualifier
// names. Destinations are named as they were.
type Events struct {
	Qualifier string `json:"qualifier,omitempty"` // "" = the function
	Retries   *int32 `json:"retries,omitempty"`
	MaxAge    *int32 `json:"maxAge,omitempty"` // seconds
	OnSuccess string `json:"onSuccess,omitempty"`
	OnFailure string `json:"onFailure,omitempty"`
}

// Permission is one statement of the policy of a function or of what a qualifier names.
// Callers and sources are named as they were.
type Permission struct {
	Qualifier     string `json:"qualifier,omitempty"` // "" = the function
	Statement     string `json:"statement"`
	Action        string `json:"action"`
	Principal     string `json:"principal"`
	SourceARN     string `json:"sourceArn,omitempty"`
	SourceAccount string `json:"sourceAccount,omitempty"`
	Organisation  string `json:"organisation,omitempty"`
	Token         string `json:"eventSourceToken,omitempty"`
	URLAuth       string `json:"functionUrlAuthType,omitempty"`
	ViaURL        *bool  `json:"invokedViaFunctionUrl,omitempty"`
}

// events reads the settings of event invocations.
func (a *API) events(ctx context.Context, name string) (all []Events, err error) {
	pages := awslambda.NewListFunctionEventInvokeConfigsPaginator(a.Client, &awslambda.ListFunctionEventInvokeConfigsInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the settings of event invocations: %w", err)
		}
		for _, c := range page.FunctionEventInvokeConfigs {
			e := Events{Qualifier: qualifierOf(aws.ToString(c.FunctionArn)), Retries: c.MaximumRetryAttempts, MaxAge: c.MaximumEventAgeInSeconds}
			if d := c.DestinationConfig; d != nil && d.OnSuccess != nil {
				e.OnSuccess = aws.ToString(d.OnSuccess.Destination)
			}
			if d := c.DestinationConfig; d != nil && d.OnFailure != nil {
				e.OnFailure = aws.ToString(d.OnFailure.Destination)
			}
			all = append(all, e)
		}
	}
	return all, nil
}

// qualifierOf reads it in arn:aws:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER.
func qualifierOf(arn string) string {
	parts := strings.Split(arn, ":")
	if len(parts) < 8 || parts[7] == latest {
		return ""
	}
	return parts[7]
}

// permissions reads the policies of a function and of all that a qualifier can name. What
// this package cannot read, an extension of the grammar for instance, is returned as left.
func (a *API) permissions(ctx context.Context, f *Function) (all []Permission, left []string, err error) {
	for _, q := range f.qualifiers() {
		text, err := a.policy(ctx, f.Name, q)
		if err != nil {
			return nil, nil, err
		}
		some, unread := readPolicy(q, text)
		all = append(all, some...)
		for _, statement := range unread {
			left = append(left, fmt.Sprintf("the statement %s of the resource policy of %s", statement, titled(f.Name, q)))
		}
	}
	return all, left, nil
}

// qualifiers are the function itself, its aliases and its published versions.
func (f *Function) qualifiers() []string {
	all := []string{""}
	for i := range f.Aliases {
		all = append(all, f.Aliases[i].Name)
	}
	for i := range f.Versions {
		if f.Versions[i].Number != latest {
			all = append(all, f.Versions[i].Number)
		}
	}
	return all
}

// policy is the text of a policy, "" where there is none.
func (a *API) policy(ctx context.Context, name, qualifier string) (string, error) {
	out, err := a.Client.GetPolicy(ctx, &awslambda.GetPolicyInput{FunctionName: &name, Qualifier: none(qualifier)})
	if isMissing(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the resource policy: %w", err)
	}
	return aws.ToString(out.Policy), nil
}

func titled(function, qualifier string) string {
	if qualifier == "" {
		return function
	}
	return function + ":" + qualifier
}

// statement is one of a policy as Lambda writes it.
type statement struct {
	Sid       string
	Effect    string
	Principal json.RawMessage
	Action    string
	Resource  json.RawMessage
	Condition map[string]map[string]string
}

// readPolicy takes a policy apart: the statements that AddPermission can make again, and the
// names of the others.
func readPolicy(qualifier, text string) (all []Permission, unread []string) {
	var policy struct{ Statement []json.RawMessage }
	if text == "" {
		return nil, nil
	}
	if json.Unmarshal([]byte(text), &policy) != nil {
		return nil, []string{"in a form of its own"}
	}
	for _, raw := range policy.Statement {
		if p, ok := readStatement(qualifier, raw); ok {
			all = append(all, p)
		} else {
			unread = append(unread, strconv.Quote(p.Statement))
		}
	}
	return all, unread
}

func readStatement(qualifier string, raw json.RawMessage) (Permission, bool) {
	var s statement
	err := json.Unmarshal(raw, &s)
	p := Permission{Qualifier: qualifier, Statement: s.Sid, Action: s.Action, Principal: principal(s.Principal)}
	return p, err == nil && s.Effect == "Allow" && p.Principal != "" && p.conditions(s.Condition)
}

// principal is "*", or the one that is named.
func principal(raw json.RawMessage) string {
	var all string
	if json.Unmarshal(raw, &all) == nil {
		return all
	}
	var one struct{ AWS, Service string }
	if json.Unmarshal(raw, &one) != nil || one.AWS != "" && one.Service != "" {
		return ""
	}
	if account, ok := strings.CutSuffix(one.AWS, ":root"); ok {
		return account[strings.LastIndexByte(account, ':')+1:]
	}
	return one.AWS + one.Service
}

// conditions takes over what a statement demands; false where it demands something else.
func (p *Permission) conditions(all map[string]map[string]string) bool {
	for operator, pairs := range all {
		for key, value := range pairs {
			if !p.condition(operator+" "+strings.ToLower(key), value) {
				return false
			}
		}
	}
	return true
}

func (p *Permission) condition(what, value string) bool {
	switch what {
	case "ArnLike aws:sourcearn":
		p.SourceARN = value
	case "StringEquals aws:sourceaccount":
		p.SourceAccount = value
	case "StringEquals aws:principalorgid":
		p.Organisation = value
	case "StringEquals lambda:eventsourcetoken":
		p.Token = value
	case "StringEquals lambda:functionurlauthtype":
		p.URLAuth = value
	case "Bool lambda:invokedviafunctionurl":
		via := value == "true"
		p.ViaURL = &via
	default:
		return false
	}
	return true
}

// recursion reads what is done with a function that invokes itself without end, "" where that
// is what is done with a new one.
func (a *API) recursion(ctx context.Context, name string) (string, error) {
	c, err := a.Client.GetFunctionRecursionConfig(ctx, &awslambda.GetFunctionRecursionConfigInput{FunctionName: &name})
	switch {
	case unknown(err):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("reading the recursion setting: %w", err)
	case c.RecursiveLoop == types.RecursiveLoopTerminate:
		return "", nil
	}
	return string(c.RecursiveLoop), nil
}

// attach gives a function its policies, the settings of its event invocations and that of
// recursion. What the target refuses is said and left out: the function works without.
func (t *Target) attach(ctx context.Context, f *Function) (notes []string, err error) {
	if err := t.recur(ctx, f); refused(err) {
		notes = append(notes, fmt.Sprintf("not moved with it: the recursion setting %s: %v", f.Recursion, err))
	} else if err != nil {
		return nil, err
	}
	for _, e := range f.Events {
		if err := t.putEvents(ctx, f.Name, e); refused(err) {
			notes = append(notes, fmt.Sprintf("not moved with it: the settings of event invocations of %s: %v", titled(f.Name, e.Qualifier), err))
		} else if err != nil {
			return nil, err
		}
	}
	for _, p := range f.Permissions {
		if err := t.permit(ctx, f.Name, p); refused(err) {
			notes = append(notes, fmt.Sprintf("not moved with it: the statement %q of the resource policy of %s: %v", p.Statement, titled(f.Name, p.Qualifier), err))
		} else if err != nil {
			return nil, err
		}
	}
	return notes, nil
}

func (t *Target) recur(ctx context.Context, f *Function) error {
	if f.Recursion == "" {
		return nil
	}
	_, err := t.Client.PutFunctionRecursionConfig(ctx, &awslambda.PutFunctionRecursionConfigInput{
		FunctionName: &f.Name, RecursiveLoop: types.RecursiveLoop(f.Recursion),
	})
	return err
}

// refused reports whether the server answered that it will not.
func refused(err error) bool {
	var answer smithy.APIError
	return errors.As(err, &answer) && answer.ErrorFault() == smithy.FaultClient
}

func (t *Target) putEvents(ctx context.Context, name string, e Events) error {
	in := &awslambda.PutFunctionEventInvokeConfigInput{
		FunctionName: &name, Qualifier: none(e.Qualifier), MaximumRetryAttempts: e.Retries, MaximumEventAgeInSeconds: e.MaxAge,
	}
	if e.OnSuccess+e.OnFailure != "" {
		in.DestinationConfig = &types.DestinationConfig{}
	}
	if e.OnSuccess != "" {
		in.DestinationConfig.OnSuccess = &types.OnSuccess{Destination: &e.OnSuccess}
	}
	if e.OnFailure != "" {
		in.DestinationConfig.OnFailure = &types.OnFailure{Destination: &e.OnFailure}
	}
	_, err := t.Client.PutFunctionEventInvokeConfig(ctx, in)
	return err
}

func (t *Target) permit(ctx context.Context, name string, p Permission) error {
	_, err := t.Client.AddPermission(ctx, &awslambda.AddPermissionInput{
		FunctionName: &name, Qualifier: none(p.Qualifier), StatementId: &p.Statement, Action: &p.Action, Principal: &p.Principal,
		SourceArn: none(p.SourceARN), SourceAccount: none(p.SourceAccount), PrincipalOrgID: none(p.Organisation),
		EventSourceToken: none(p.Token), FunctionUrlAuthType: types.FunctionUrlAuthType(p.URLAuth), InvokedViaFunctionUrl: p.ViaURL,
	})
	return err
}
