package lambda

import (
	"fmt"
	"regexp"
)

// Reference is a function as a caller names it: a name, "account:function:name", a
// partial or a full ARN, each with or without a qualifier. Parts that were not
// named are "".
type Reference struct {
	Region    string
	Account   string
	Name      string
	Qualifier string
}

// NameRule is what an operation demands of its FunctionName.
type NameRule struct {
	pattern *regexp.Regexp
	shown   string // the pattern as AWS writes it in errors
	plain   int    // bytes of a reference that is a bare name
	max     int    // bytes of any reference
}

// The rules differ per operation. Source: AWS Lambda API reference, FunctionName of
// CreateFunction, GetFunction, Invoke, UpdateFunctionCode and DeleteFunction; the patterns as the
// service's errors show them.
var (
	NameToCreate = newNameRule(`[a-zA-Z0-9-_]+`, `\$LATEST`, 64, 140)
	NameToRead   = newNameRule(`[a-zA-Z0-9-_\.]+`, `\$LATEST(\.PUBLISHED)?`, 170, 170)
	NameToUpdate = newNameRule(`[a-zA-Z0-9-_]+`, `\$LATEST`, 140, 140)
	NameToDelete = newNameRule(`[a-zA-Z0-9-_\.]+`, `\$LATEST(\.PUBLISHED)?`, 140, 140)
)

const (
	shownName = `(arn:(aws[a-zA-Z-]*)?:lambda:)?` +
		`((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?(%s)(:(%s|[a-zA-Z0-9-_]+))?`
	exactName = `^(arn:(aws[a-zA-Z-]*)?:lambda:)?` +
		`((?P<region>` + regionPattern + `):)?((?P<account>\d{12}):)?(function:)?(?P<name>%s)(:(?P<qualifier>%s|[a-zA-Z0-9-_]+))?$`
	regionPattern = `(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}`

	maxName      = 64      // bytes of a function's name
	maxReference = 1 << 10 // nothing longer reaches a pattern
)

func newNameRule(name, latest string, plain, longest int) NameRule {
	return NameRule{
		pattern: regexp.MustCompile(fmt.Sprintf(exactName, name, latest)),
		shown:   fmt.Sprintf(shownName, name, latest),
		plain:   plain,
		max:     longest,
	}
}

// Parse reads a reference. What breaks the rule is reported to v, at the field
// functionName; the Reference is then not to be used.
func (r NameRule) Parse(s string, v *Violations) Reference {
	if plainName(s) {
		v.Length("functionName", s, 1, r.plain)
		return Reference{Name: s}
	}
	match := r.match(s)
	if match == nil {
		v.Add("functionName", s, matchPattern+r.shown)
		return Reference{}
	}
	v.Length("functionName", s, 1, r.max)
	return r.reference(match)
}

func (r NameRule) match(s string) []string {
	if len(s) > maxReference {
		return nil
	}
	return r.pattern.FindStringSubmatch(s)
}

func (r NameRule) reference(match []string) Reference {
	part := func(group string) string { return match[r.pattern.SubexpIndex(group)] }
	return Reference{Region: part("region"), Account: part("account"), Name: part("name"), Qualifier: part("qualifier")}
}

// plainName reports whether s is a bare function name: the common case, told
// without a pattern.
func plainName(s string) bool {
	for i := range len(s) {
		if !nameByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// Resolve completes a reference for a caller of one account and region. Lambda
// serves one region per endpoint; where the reference names another it says so.
func (ref Reference) Resolve(account, region string) (FunctionID, error) {
	if ref.Region != "" && ref.Region != region {
		return FunctionID{}, NewError(ErrResourceNotFound,
			"Functions from '%s' are not reachable in this region ('%s')", ref.Region, region)
	}
	if ref.Account != "" {
		account = ref.Account
	}
	return FunctionID{Account: account, Region: region, Name: ref.Name}, nil
}
