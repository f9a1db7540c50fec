package lambdaapi

import (
	"regexp"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

// permissionRequest is the body of AddPermission.
type permissionRequest struct {
	StatementId           *string
	Action                *string
	Principal             *string
	SourceArn             *string
	FunctionUrlAuthType   *string
	InvokedViaFunctionUrl *bool
	SourceAccount         *string
	EventSourceToken      *string
	PrincipalOrgID        *string
	RevisionId            *string
}

// Patterns as AWS shows them in errors. Source: AWS Lambda API reference, AddPermission
// and RemovePermission; statementId as a recorded answer shows it.
const (
	statementIDPattern = `([a-zA-Z0-9-_]+)`
	removeIDPattern    = `([a-zA-Z0-9-_.]+)`
	actionPattern      = `(lambda:[*]|lambda:[a-zA-Z]+|[*])`
	principalPattern   = `[^\s]+`
	sourceARNPattern   = `arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)`
	accountPattern     = `\d{12}`
	tokenPattern       = `[a-zA-Z0-9._\-]+`
	orgPattern         = `o-[a-z0-9]{10,32}`
)

var (
	statementIDExact = whole(statementIDPattern)
	removeIDExact    = whole(removeIDPattern)
	actionExact      = whole(actionPattern)
	principalExact   = whole(principalPattern)
	sourceARNExact   = whole(sourceARNPattern)
	accountExact     = whole(accountPattern)
	tokenExact       = whole(tokenPattern)
	orgExact         = whole(orgPattern)
)

// Longest values, in bytes.
const (
	maxStatementID = 100
	maxPrincipal   = 256
	maxToken       = 256
	maxSourceARN   = 1 << 10
)

func (in *permissionRequest) validate(v *lambda.Violations) {
	required := []struct {
		field string
		value *string
	}{{"statementId", in.StatementId}, {"action", in.Action}, {"principal", in.Principal}}
	for _, r := range required {
		if r.value == nil {
			v.Missing(r.field)
		}
	}
	text(v, "statementId", in.StatementId, maxStatementID, statementIDExact, statementIDPattern)
	text(v, "action", in.Action, maxPrincipal, actionExact, actionPattern)
	text(v, "principal", in.Principal, maxPrincipal, principalExact, principalPattern)
	text(v, "sourceArn", in.SourceArn, maxSourceARN, sourceARNExact, sourceARNPattern)
	text(v, "sourceAccount", in.SourceAccount, 12, accountExact, accountPattern)
	text(v, "eventSourceToken", in.EventSourceToken, maxToken, tokenExact, tokenPattern)
	text(v, "principalOrgID", in.PrincipalOrgID, 34, orgExact, orgPattern)
	enum(v, "functionUrlAuthType", in.FunctionUrlAuthType, "NONE", "AWS_IAM")
}

// statementShape is a statement as AWS writes it: its members in this order.
type statementShape struct {
	Sid       string
	Effect    string
	Principal any // "*", or one of the kinds below
	Action    string
	Resource  string
	Condition *conditionShape `json:",omitempty"`
}

type (
	awsPrincipal     struct{ AWS string }
	servicePrincipal struct{ Service string }
)

type conditionShape struct {
	StringEquals stringEquals `json:",omitzero"`
	ArnLike      arnLike      `json:",omitzero"`
	Bool         boolIs       `json:",omitzero"`
}

type stringEquals struct {
	SourceAccount       string `json:"AWS:SourceAccount,omitempty"`
	EventSourceToken    string `json:"lambda:EventSourceToken,omitempty"`
	FunctionURLAuthType string `json:"lambda:FunctionUrlAuthType,omitempty"`
	PrincipalOrgID      string `json:"aws:PrincipalOrgID,omitempty"`
}

type arnLike struct {
	SourceARN string `json:"AWS:SourceArn,omitempty"`
}

type boolIs struct {
	InvokedViaFunctionURL string `json:"lambda:InvokedViaFunctionUrl,omitempty"`
}

// statement renders the permission for what n names.
func (in *permissionRequest) statement(n named) (lambda.Statement, error) {
	principal, err := principalOf(*in.Principal)
	if err != nil {
		return lambda.Statement{}, err
	}
	if err := in.checkURLConditions(); err != nil {
		return lambda.Statement{}, err
	}
	encoded, err := encode(statementShape{
		Sid: *in.StatementId, Effect: "Allow", Principal: principal,
		Action: *in.Action, Resource: n.id.QualifiedARN(n.qualifier), Condition: in.condition(),
	})
	return lambda.Statement{ID: *in.StatementId, JSON: string(encoded)}, err
}

// checkURLConditions refuses conditions of function URLs on other actions.
func (in *permissionRequest) checkURLConditions() error {
	if in.FunctionUrlAuthType != nil && *in.Action != "lambda:InvokeFunctionUrl" {
		return invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
	}
	if in.InvokedViaFunctionUrl != nil && *in.Action != "lambda:InvokeFunction" {
		return invalid("InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action")
	}
	return nil
}

// condition is nil where the permission has none.
func (in *permissionRequest) condition() *conditionShape {
	c := conditionShape{
		StringEquals: stringEquals{
			SourceAccount: or(in.SourceAccount, ""), EventSourceToken: or(in.EventSourceToken, ""),
			FunctionURLAuthType: or(in.FunctionUrlAuthType, ""), PrincipalOrgID: or(in.PrincipalOrgID, ""),
		},
		ArnLike: arnLike{or(in.SourceArn, "")},
	}
	if in.InvokedViaFunctionUrl != nil {
		c.Bool.InvokedViaFunctionURL = "false"
		if *in.InvokedViaFunctionUrl {
			c.Bool.InvokedViaFunctionURL = "true"
		}
	}
	if c == (conditionShape{}) {
		return nil
	}
	return &c
}

// Forms of a principal besides an account's number and "*": an identity of IAM or STS,
// and the name of an AWS service. Source: IAM User Guide, "Principal".
var (
	identityExact = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:(iam|sts)::\d{12}:[a-zA-Z0-9+=,.@/_-]+$`)
	serviceExact  = regexp.MustCompile(`^([a-zA-Z0-9-]+\.)+(amazonaws\.com(\.cn)?|amazon\.com)$`)
)

func principalOf(name string) (any, error) {
	switch {
	case name == "*":
		return "*", nil
	case accountExact.MatchString(name):
		return awsPrincipal{"arn:aws:iam::" + name + ":root"}, nil
	case identityExact.MatchString(name):
		return awsPrincipal{name}, nil
	case serviceExact.MatchString(strings.ToLower(name)):
		return servicePrincipal{name}, nil
	}
	return nil, invalid("The provided principal was invalid. Please check the principal and try again.")
}
