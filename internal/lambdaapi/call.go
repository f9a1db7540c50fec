package lambdaapi

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"lambent.dev/lambent/internal/lambda"
)

// call is one request on its way through the package. It belongs to the goroutine
// that serves it.
type call struct {
	*Server
	w         http.ResponseWriter
	r         *http.Request
	who       caller
	requestID string
	arrived   time.Time

	operation string
	labels    labels     // of the path, by name: FunctionName, Digest
	query     url.Values // the query string
	started   bool       // the answer's head has been written
	// signedBody is what authenticate has read, not nil; nil where nobody has to sign.
	signedBody []byte
}

func newCall(s *Server, w http.ResponseWriter, r *http.Request, who caller) *call {
	c := &call{Server: s, w: w, r: r, who: who, requestID: uuid.NewString(), arrived: time.Now()}
	w.Header().Set("X-Amzn-RequestId", c.requestID)
	return c
}

func (c *call) ctx() context.Context { return c.r.Context() }

// named is the function that a request is about.
type named struct {
	id        lambda.FunctionID
	qualifier string // "" if none was given
}

// function reads the FunctionName label and the Qualifier parameter.
func (c *call) function(rule lambda.NameRule, v *lambda.Violations) (named, error) {
	ref := rule.Parse(c.labels["FunctionName"], v)
	parameter := c.query.Get("Qualifier")
	lambda.CheckQualifier(parameter, v)
	if err := v.Err(); err != nil {
		return named{}, err
	}
	id, err := ref.Resolve(c.who.account, c.who.region)
	if err != nil {
		return named{}, err
	}
	if err := c.who.mayUse(c.operation, id); err != nil {
		return named{}, err
	}
	qualifier, err := ref.MergeQualifier(parameter)
	return named{id, qualifier}, err
}
