package sigv4

import (
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	service    = "lambda"
	timeFormat = "20060102T150405Z"
	// skew is how far a client's clock may be off. Source: IAM User Guide, "Elements of a
	// request signature"; the texts of refusals name it.
	skew = 15 * time.Minute
	// maxHeader bounds what is parsed, in bytes. SDKs send less than 500.
	maxHeader = 4 << 10
)

var regionExact = regexp.MustCompile(`^(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]{1,20}-\d$`)

// Claim is who a request says has signed it. The key is known; nothing is proven before Verify.
type Claim struct {
	Account string
	Region  string

	key       *key
	accessKey string
	signed    []string // names of headers, lower case, sorted by whoever signed
	signature []byte
	at        time.Time
}

// Claim reads the headers of a request that arrived at now. Errors are *lambda.Error in AWS's words.
func (v *Verifier) Claim(h http.Header, now time.Time) (Claim, error) {
	values := h.Values("Authorization")
	if len(values) == 0 {
		return Claim{}, lambda.NewError(lambda.ErrMissingAuthenticationToken, "Missing Authentication Token")
	}
	if len(values) > 1 || len(values[0]) > maxHeader {
		return Claim{}, incomplete("Authorization header is not one of at most %d bytes.", maxHeader)
	}
	p, err := parse(values[0])
	if err != nil {
		return Claim{}, err
	}
	return v.claim(h, &p, now)
}

func (v *Verifier) claim(h http.Header, p *parts, now time.Time) (Claim, error) {
	scope := strings.Split(p.credential, "/")
	if len(scope) != 5 {
		return Claim{}, incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	k := v.keys[scope[0]]
	if k == nil || h.Get("X-Amz-Security-Token") != "" {
		return Claim{}, lambda.NewError(lambda.ErrUnrecognizedClient, "The security token included in the request is invalid.")
	}
	at, err := time.Parse(timeFormat, h.Get("X-Amz-Date"))
	if err != nil {
		return Claim{}, incomplete("Authorization header requires existence of an 'X-Amz-Date' header such as %s.", timeFormat)
	}
	if err := checkScope(scope[1:], at); err != nil {
		return Claim{}, err
	}
	return Claim{k.account, scope[2], k, scope[0], p.signed, p.signature, at}, checkClock(at, now)
}

// checkScope holds date, region, service and term of a credential.
func checkScope(scope []string, at time.Time) error {
	switch {
	case scope[0] != at.Format("20060102"):
		return invalid("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.")
	case !regionExact.MatchString(scope[1]):
		return invalid("Credential should be scoped to a valid region.")
	case scope[2] != service:
		return invalid("Credential should be scoped to correct service: '%s'.", service)
	case scope[3] != "aws4_request":
		return invalid("Credential should be scoped with a valid terminator: 'aws4_request'.")
	}
	return nil
}

func checkClock(at, now time.Time) error {
	now = now.UTC()
	switch {
	case at.Before(now.Add(-skew)):
		return invalid("Signature expired: %s is now earlier than %s (%s - 15 min.)",
			at.Format(timeFormat), now.Add(-skew).Format(timeFormat), now.Format(timeFormat))
	case at.After(now.Add(skew)):
		return invalid("Signature not yet current: %s is still later than %s (%s + 15 min.)",
			at.Format(timeFormat), now.Add(skew).Format(timeFormat), now.Format(timeFormat))
	}
	return nil
}

// parts are those of an Authorization header.
type parts struct {
	credential string
	signed     []string
	signature  []byte
}

// parse reads "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…", each part once.
func parse(header string) (parts, error) {
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return parts{}, incomplete("Unsupported AWS 'algorithm': use %s.", algorithm)
	}
	found := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := found[name]; twice {
			return parts{}, incomplete("Authorization header has '%s' twice.", shown(name))
		}
		found[name] = value
	}
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if found[name] == "" {
			return parts{}, incomplete("Authorization header requires '%s' parameter.", name)
		}
	}
	signature, err := hex.DecodeString(found["Signature"])
	if err != nil || len(signature) != 32 {
		return parts{}, invalid("%s", mismatch)
	}
	p := parts{found["Credential"], strings.Split(found["SignedHeaders"], ";"), signature}
	return p, checkSigned(p.signed)
}

// shown bounds what is said back.
func shown(name string) string { return strings.ToValidUTF8(name[:min(len(name), 32)], "?") }

// checkSigned holds that what decides where and when a request is meant for is signed.
func checkSigned(names []string) error {
	var host, date bool
	for i, name := range names {
		if i > 0 && names[i-1] >= name || strings.ToLower(name) != name {
			return incomplete("SignedHeaders must be in lower case, sorted, and each once.")
		}
		host, date = host || name == "host", date || name == "x-amz-date"
	}
	if !host || !date {
		return invalid("'Host' and 'X-Amz-Date' must be 'SignedHeaders' in the AWS Authorization.")
	}
	return nil
}

func incomplete(format string, args ...any) error {
	return lambda.NewError(lambda.ErrIncompleteSignature, format, args...)
}

func invalid(format string, args ...any) error {
	return lambda.NewError(lambda.ErrInvalidSignature, format, args...)
}
