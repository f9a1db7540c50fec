package compat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// Answer is one answer of the service as it was on the wire.
type Answer struct {
	Operation string
	Status    int
	Header    http.Header
	Body      []byte
}

// Observed brings an answer into the form of the recordings, which is what Python's SDK
// makes of it: the members of the body, what headers and status hold for the operation,
// and ResponseMetadata.
func (a Answer) Observed() (map[string]any, error) {
	observed := map[string]any{}
	var err error
	switch {
	case a.Status >= http.StatusBadRequest:
		observed, err = a.failure()
	case a.Operation == "Invoke":
		observed = a.invocation()
	case len(a.Body) > 0:
		err = json.Unmarshal(a.Body, &observed)
	}
	if err != nil {
		return nil, fmt.Errorf("%s answered %d with %.300q: %w", a.Operation, a.Status, a.Body, err)
	}
	if a.Operation == "GetFunction" {
		dropInForce(observed)
	}
	if a.Operation == "DeleteFunction" && a.Status < http.StatusBadRequest {
		observed["StatusCode"] = float64(a.Status)
	}
	// The recordings drop all headers; Malformed looks at those that matter.
	observed["ResponseMetadata"] = map[string]any{"HTTPHeaders": map[string]any{}, "HTTPStatusCode": float64(a.Status)}
	return observed, nil
}

// dropInForce takes away the one tag that Lambent adds, the isolation in force.
func dropInForce(observed map[string]any) {
	tags, _ := observed["Tags"].(map[string]any)
	delete(tags, "aws:lambent:isolation")
	if len(tags) == 0 {
		delete(observed, "Tags")
	}
}

// invocation is an answer to Invoke: the body is the payload.
func (a Answer) invocation() map[string]any {
	observed := map[string]any{"StatusCode": float64(a.Status), "Payload": string(a.Body)}
	for member, header := range map[string]string{
		"ExecutedVersion": "X-Amz-Executed-Version",
		"FunctionError":   "X-Amz-Function-Error",
	} {
		if value := a.Header.Get(header); value != "" {
			observed[member] = value
		}
	}
	return observed
}

// plainErrors are not in Lambda's model: Python's SDK keeps no member of their bodies.
var plainErrors = map[string]bool{"ValidationException": true, "AccessDeniedException": true}

func (a Answer) failure() (map[string]any, error) {
	body := map[string]any{}
	if err := json.Unmarshal(a.Body, &body); err != nil {
		return nil, err
	}
	code, _, _ := strings.Cut(a.Header.Get("X-Amzn-Errortype"), ":")
	message, ok := body["message"]
	if !ok {
		message = body["Message"]
	}
	if plainErrors[code] {
		if len(body) != 1 {
			return nil, fmt.Errorf("the body of a %s holds its message alone", code)
		}
		body = map[string]any{}
	}
	body["Error"] = map[string]any{"Code": code, "Message": message}
	return body, nil
}

var requestID = regexp.MustCompile("^" + anyUUID + "$")

// Malformed names what every answer of the service has in its headers and this one has
// not; "" if nothing is amiss.
func (a Answer) Malformed() string {
	switch {
	case !requestID.MatchString(a.Header.Get("X-Amzn-Requestid")):
		return fmt.Sprintf("x-amzn-RequestId is %q", a.Header.Get("X-Amzn-Requestid"))
	case a.Status >= http.StatusBadRequest && a.Header.Get("X-Amzn-Errortype") == "":
		return "x-amzn-ErrorType is missing"
	case len(a.Body) > 0 && a.Header.Get("Content-Type") != "application/json":
		return fmt.Sprintf("Content-Type is %q", a.Header.Get("Content-Type"))
	}
	return ""
}
