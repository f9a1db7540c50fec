package lambdaapi

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

// createAliasRequest is the body of CreateAlias.
type createAliasRequest struct {
	aliasRequest
	Name *string
}

// updateAliasRequest is the body of UpdateAlias.
type updateAliasRequest struct {
	aliasRequest
	RevisionId *string
}

type aliasRequest struct {
	FunctionVersion *string
	Description     *string
	RoutingConfig   *routingRequest
}

type routingRequest struct{ AdditionalVersionWeights map[string]*float64 }

// Patterns as AWS shows them in errors. Go has no lookahead: that a name is not all digits
// is looked at apart.
const (
	aliasPattern  = `(?!^[0-9]+$)([a-zA-Z0-9-_]+)`
	targetPattern = `(\$LATEST|[0-9]+)`
)

var (
	aliasExact  = whole(`[a-zA-Z0-9-_]+`)
	targetExact = whole(targetPattern)
	digits      = regexp.MustCompile(`^[0-9]+$`)
)

const maxAliasName = 128 // bytes

func validateAliasName(v *lambda.Violations, name *string) {
	switch {
	case name == nil:
		v.Missing("name")
	case len(*name) > maxAliasName || *name == "":
		v.Length("name", *name, 1, maxAliasName)
	case !aliasExact.MatchString(*name) || digits.MatchString(*name):
		v.Add("name", *name, "Member must satisfy regular expression pattern: "+aliasPattern)
	}
}

func (in *createAliasRequest) validate(v *lambda.Violations) {
	validateAliasName(v, in.Name)
	if in.FunctionVersion == nil {
		v.Missing("functionVersion")
	}
	in.aliasRequest.validate(v)
}

func (in *aliasRequest) validate(v *lambda.Violations) {
	text(v, "functionVersion", in.FunctionVersion, 1024, targetExact, targetPattern)
	if in.Description != nil {
		v.Length("description", *in.Description, 0, 256)
	}
	if in.RoutingConfig != nil {
		in.RoutingConfig.validate(v)
	}
}

// validate words what breaks the model as AWS does, constraint by constraint: recorded.
func (r *routingRequest) validate(v *lambda.Violations) {
	const field = "routingConfig.additionalVersionWeights"
	keys, badKey, badValue := make([]string, 0, len(r.AdditionalVersionWeights)), false, false
	for key, weight := range r.AdditionalVersionWeights {
		keys = append(keys, key)
		badKey = badKey || len(key) > 1024 || !digits.MatchString(key)
		badValue = badValue || weight == nil || !(*weight >= 0 && *weight <= 1)
	}
	slices.Sort(keys)
	if badKey {
		v.Add(field, r.shown(keys), "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, "+
			"Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]")
	}
	if badValue {
		v.Add(field, r.shown(keys), "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, "+
			"Member must have value greater than or equal to 0.0, Member must not be null]")
	}
}

// shown writes the map as AWS's errors do.
func (r *routingRequest) shown(keys []string) string {
	var b strings.Builder
	for i, key := range keys {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(key + "=" + decimal(r.AdditionalVersionWeights[key]))
	}
	return "{" + b.String() + "}"
}

// decimal writes a number with at least one place after the point, as Java does.
func decimal(f *float64) string {
	if f == nil {
		return "null"
	}
	s := strconv.FormatFloat(*f, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// apply changes an alias to what was asked for. An empty RoutingConfig takes the weights
// away.
func (in *aliasRequest) apply(a *lambda.Alias) {
	a.Version, a.Description = or(in.FunctionVersion, a.Version), or(in.Description, a.Description)
	if in.RoutingConfig == nil {
		return
	}
	a.Weights = nil
	for version, weight := range in.RoutingConfig.AdditionalVersionWeights {
		if a.Weights == nil {
			a.Weights = map[string]float64{}
		}
		a.Weights[version] = *weight
	}
}

// checkTarget refuses a version that is not there.
func checkTarget(fn *lambda.Function, version string) error {
	if fn.Find(version) == nil {
		return errNotFound(named{fn.ID, version})
	}
	return nil
}

// checkWeights holds Lambda's rules for an alias of two versions; texts as recorded.
func checkWeights(fn *lambda.Function, a *lambda.Alias) error {
	if len(a.Weights) > 1 {
		return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	for version := range a.Weights {
		switch {
		case version == a.Version:
			return invalid("Invalid function version %s. Function version %s is already included in routing configuration.", version, version)
		case a.Version == lambda.Latest:
			return errLatestSplit()
		}
		if err := checkTarget(fn, version); err != nil {
			return err
		}
	}
	return nil
}

// errLatestSplit has no Type, unlike others of its kind: recorded.
func errLatestSplit() error {
	kind := *lambda.ErrInvalidParameterValue
	kind.Type = ""
	return lambda.NewError(&kind, "$LATEST is not supported for an alias pointing to more than 1 version")
}
