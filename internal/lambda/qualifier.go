package lambda

import "regexp"

const (
	maxQualifier     = 128 // bytes
	qualifierPattern = `\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+`
)

var qualifierExact = regexp.MustCompile(`^(` + qualifierPattern + `)$`)

// CheckQualifier reports to v what is wrong with a Qualifier parameter. An empty
// one is as good as none.
func CheckQualifier(s string, v *Violations) {
	if s == "" {
		return
	}
	v.Length("qualifier", s, 1, maxQualifier)
	if len(s) <= maxReference && !qualifierExact.MatchString(s) {
		v.Add("qualifier", s, matchPattern+qualifierPattern)
	}
}

// MergeQualifier joins the qualifier of a reference with the Qualifier parameter of
// the same request: they may both be there only if they agree.
func (ref Reference) MergeQualifier(parameter string) (string, error) {
	if ref.Qualifier == "" {
		return parameter, nil
	}
	if parameter != "" && parameter != ref.Qualifier {
		return "", NewError(ErrInvalidParameterValue,
			"The derived qualifier from the function name does not match the specified qualifier.")
	}
	return ref.Qualifier, nil
}
