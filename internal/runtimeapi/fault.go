package runtimeapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"lambent.dev/lambent/internal/lambda"
)

// Types of function errors that this package gives. Source: the runtime interface
// emulator of AWS, package fatalerror.
const (
	TypeResponseTooLarge  = "Function.ResponseSizeTooLarge"
	TypeUnknown           = "Function.Unknown"
	TypeTruncatedResponse = "Runtime.TruncatedResponse"
)

// maxErrorType bounds a type that a runtime reports, in bytes.
const maxErrorType = 256

// typePattern is what AWS takes for a type in a header.
var typePattern = regexp.MustCompile(`^(Runtime|Function)\.[A-Z][a-zA-Z]+$`)

// NewError makes a function error with AWS's two fields.
func NewError(kind, message string) *lambda.FunctionError {
	payload, err := json.Marshal(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{kind, message})
	if err != nil { // strings always marshal
		payload = []byte("{}")
	}
	return &lambda.FunctionError{Type: kind, Payload: payload}
}

// reported makes a function error of what a runtime posted. header is the type that
// it named beside the body; only AWS's form counts.
func reported(header string, body []byte) *lambda.FunctionError {
	kind := header
	if !typePattern.MatchString(kind) {
		kind = typeOf(body)
	}
	if len(body) == 0 {
		return NewError(kind, "")
	}
	return &lambda.FunctionError{Type: kind, Payload: body}
}

// typeOf reads errorType from a body.
func typeOf(body []byte) string {
	var e struct {
		Type string `json:"errorType"`
	}
	if json.Unmarshal(body, &e) != nil || e.Type == "" || len(e.Type) > maxErrorType {
		return TypeUnknown
	}
	return e.Type
}

// tooLarge is the error of an answer that exceeds the cap.
func tooLarge() *lambda.FunctionError {
	return NewError(TypeResponseTooLarge,
		fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", lambda.MaxResponse))
}

// faultOf is the function's error that a refused or broken answer amounts to. A sink
// that refuses because its caller left is no fault of the function.
func faultOf(refused, broken error) *lambda.FunctionError {
	switch {
	case errors.Is(refused, lambda.ErrResponseTooLarge):
		return tooLarge()
	case broken != nil:
		return NewError(TypeTruncatedResponse, "the runtime broke off its response")
	default:
		return nil
	}
}

// readError reads an error body of n bytes (n < 0: until EOF), up to the cap of a
// response. A longer one is read to its end and dropped: whole is false.
func readError(r io.Reader, n int64) (body []byte, whole bool, err error) {
	if n >= 0 {
		r = io.LimitReader(r, n)
	}
	body, err = io.ReadAll(io.LimitReader(r, lambda.MaxResponse+1))
	if err != nil || len(body) <= lambda.MaxResponse {
		return body, err == nil, err
	}
	_, err = io.Copy(io.Discard, r)
	return nil, false, err
}
