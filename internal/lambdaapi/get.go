package lambdaapi

import (
	"errors"
	"maps"
	"net/http"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/store"
)

// getFunctionResponse is the answer of GetFunction.
type getFunctionResponse struct {
	Configuration configuration     `json:"Configuration"`
	Code          codeLocation      `json:"Code"`
	Tags          map[string]string `json:"Tags,omitempty"`
	Concurrency   *concurrency      `json:"Concurrency,omitempty"`
}

type codeLocation struct {
	RepositoryType string         `json:"RepositoryType"`
	Location       string         `json:"Location,omitempty"`
	Error          *locationError `json:"Error,omitempty"`
}

type locationError struct {
	ErrorCode string `json:"ErrorCode"`
	Message   string `json:"Message"`
}

type concurrency struct {
	Reserved int `json:"ReservedConcurrentExecutions"`
}

// getFunction answers GetFunction.
func getFunction(c *call) error {
	n, fn, v, err := c.find()
	if err != nil {
		return err
	}
	out := getFunctionResponse{
		Configuration: describe(fn.ID, v, n.qualifier).redact(c.who.mayRead(fn.ID)),
		Code:          c.locate(fn.ID, v.Code),
		Tags:          c.tagsInForce(fn, v),
	}
	if fn.ReservedConcurrency != nil {
		out.Concurrency = &concurrency{*fn.ReservedConcurrency}
	}
	c.describeHost(fn, v)
	return c.answer(http.StatusOK, out)
}

// tagsInForce are a function's tags and, as one more, the tier of a version.
func (s *Server) tagsInForce(fn *lambda.Function, v *lambda.Version) map[string]string {
	settings, err := lambda.ParseSettings(fn.Tags)
	if err != nil { // stored by a Lambent with other rules: it does not run
		return fn.Tags
	}
	tier, _ := s.rule(fn.ID.Account).Isolation.Choose(settings, v) // refused or not, it is the one
	tags := map[string]string{lambda.InForceTag: tier.String()}
	maps.Copy(tags, fn.Tags)
	return tags
}

// describeHost says which profile is in force, and what this host emulates, in headers: AWS's answer
// has no place for them.
func (c *call) describeHost(fn *lambda.Function, v *lambda.Version) {
	if s, err := lambda.ParseSettings(fn.Tags); err == nil {
		tier, _ := c.rule(fn.ID.Account).Isolation.Choose(s, v) // refused or not, it is the one
		s.Settle(tier, c.DefaultNetwork)
		c.w.Header().Set("X-Lambent-Network", string(s.Network))
		if c.Tiers.Emulates(tier) {
			c.w.Header().Set("X-Lambent-Emulated", "true")
		}
	}
}

// getFunctionConfiguration answers GetFunctionConfiguration.
func getFunctionConfiguration(c *call) error {
	n, fn, v, err := c.find()
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, describe(fn.ID, v, n.qualifier).redact(c.who.mayRead(fn.ID)))
}

// find reads the function and version that a request names.
func (c *call) find() (named, *lambda.Function, *lambda.Version, error) {
	var v lambda.Violations
	n, err := c.function(lambda.NameToRead, &v)
	if err != nil {
		return named{}, nil, nil, err
	}
	fn, err := c.read(c.ctx(), n.id)
	if isMissing(err) {
		return named{}, nil, nil, errNotFound(n)
	}
	if err != nil {
		return named{}, nil, nil, err
	}
	version := fn.Find(n.qualifier)
	if version == nil {
		return named{}, nil, nil, errNotFound(n)
	}
	return n, &fn, version, nil
}

func errNotFound(n named) error {
	return lambda.NewError(lambda.ErrResourceNotFound, "Function not found: %s", n.id.QualifiedARN(n.qualifier))
}

func isMissing(err error) bool { return errors.Is(err, store.ErrNotFound) }
