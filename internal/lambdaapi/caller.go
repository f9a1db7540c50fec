package lambdaapi

import (
	"net/http"
	"regexp"
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

// caller is on whose behalf a request is answered.
type caller struct {
	account  string
	region   string
	function *lambda.FunctionID // the calling function, or nil
}

// localCaller is the identity of a request from this machine. The signature is not
// looked at; its credential scope says which region the client means.
func (s *Server) localCaller(r *http.Request) caller {
	who := caller{account: s.Account, region: s.Region}
	if region := scopeRegion(r.Header.Get("Authorization")); region != "" {
		who.region = region
	}
	return who
}

var regionExact = regexp.MustCompile(`^(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]{1,20}-\d$`)

// scopeRegion returns the region of an Authorization header's credential scope
// ("Credential=KEY/20260102/us-east-1/lambda/aws4_request"), or "" if there is no
// valid one. Source: AWS Signature Version 4.
func scopeRegion(authorization string) string {
	_, rest, ok := strings.Cut(authorization, "Credential=")
	if !ok || len(authorization) > 4<<10 {
		return ""
	}
	credential, _, _ := strings.Cut(rest, ",")
	parts := strings.Split(strings.TrimSpace(credential), "/")
	if n := len(parts); n < 5 || parts[n-1] != "aws4_request" || !regionExact.MatchString(parts[n-3]) {
		return ""
	}
	return parts[len(parts)-3]
}

// mayUse refuses functions of other accounts.
func (who caller) mayUse(operation string, id lambda.FunctionID) error {
	if id.Account == who.account {
		return nil
	}
	return who.refused(operation, id.ARN())
}

func (who caller) refused(operation, arn string) error {
	return lambda.NewError(lambda.ErrAccessDenied,
		"User: %s is not authorized to perform: lambda:%s on resource: %s because no resource-based policy allows the lambda:%s action",
		who.arn(), operation, arn, operation)
}

// arn is how errors name the caller.
func (who caller) arn() string {
	if who.function != nil {
		return who.function.ARN()
	}
	return "arn:aws:iam::" + who.account + ":root"
}

// mayRead says whether the caller may see what a function keeps to itself: its
// environment and its code. A function sees only its own.
func (who caller) mayRead(id lambda.FunctionID) bool {
	return who.function == nil || *who.function == id
}
