package lambdaapi

import (
	"strings"

	"lambent.dev/lambent/internal/lambda"
)

// eventInvokeRequest is the body of PutFunctionEventInvokeConfig and of
// UpdateFunctionEventInvokeConfig.
type eventInvokeRequest struct {
	MaximumRetryAttempts     *int
	MaximumEventAgeInSeconds *int
	DestinationConfig        *destinationsRequest
}

type destinationsRequest struct{ OnSuccess, OnFailure *destinationRequest }

type destinationRequest struct{ Destination *string }

// destinationPattern is what AWS shows in errors. Source: AWS Lambda API reference,
// OnFailure; an empty destination is none.
const destinationPattern = `$|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|` + sourceARNPattern

var destinationExact = whole(`|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|` + sourceARNPattern)

// maxDestination is the longest destination, in bytes. Source: AWS Lambda API
// reference, OnSuccess.
const maxDestination = 350

// Bounds of the settings. Source: AWS Lambda API reference, PutFunctionEventInvokeConfig.
const (
	maxRetries               = 2
	minEventAge, maxEventAge = 60, 21_600 // seconds
)

func (in *eventInvokeRequest) validate(v *lambda.Violations) {
	number(v, "maximumRetryAttempts", in.MaximumRetryAttempts, 0, maxRetries)
	number(v, "maximumEventAgeInSeconds", in.MaximumEventAgeInSeconds, minEventAge, maxEventAge)
	if in.DestinationConfig == nil {
		return
	}
	in.DestinationConfig.OnSuccess.validate(v, "destinationConfig.onSuccess.destination")
	in.DestinationConfig.OnFailure.validate(v, "destinationConfig.onFailure.destination")
}

func (d *destinationRequest) validate(v *lambda.Violations, field string) {
	if d != nil {
		text(v, field, d.Destination, maxDestination, destinationExact, destinationPattern)
	}
}

// arn is "" where there is no destination.
func (d *destinationRequest) arn() string {
	if d == nil {
		return ""
	}
	return or(d.Destination, "")
}

// check holds what the model of the API allows and Lambda refuses. Whether a
// destination is there is found out when it is used.
func (in *eventInvokeRequest) check(id lambda.FunctionID) error {
	if in.MaximumRetryAttempts == nil && in.MaximumEventAgeInSeconds == nil && in.DestinationConfig == nil {
		return invalid("You must specify at least one of error handling or destination setting.")
	}
	if in.DestinationConfig == nil {
		return nil
	}
	success, failure := in.DestinationConfig.OnSuccess.arn(), in.DestinationConfig.OnFailure.arn()
	if !takesResults(success, false) || !takesResults(failure, true) {
		return invalid("The provided destination config DestinationConfig(onSuccess=%s, onFailure=%s) is invalid.",
			shown("OnSuccess", success), shown("OnFailure", failure))
	}
	if isFunction(success, id) || isFunction(failure, id) {
		return invalid("You can't specify the function as a destination for itself.")
	}
	return nil
}

func shown(kind, destination string) string {
	if destination == "" {
		return "null"
	}
	return kind + "(destination=" + destination + ")"
}

// takesResults reports whether a destination is of a service that can be one. Source:
// AWS Lambda Developer Guide, "Adding a destination": S3 takes failures only.
func takesResults(destination string, failure bool) bool {
	if destination == "" {
		return true
	}
	parts := strings.SplitN(destination, ":", 6)
	if len(parts) < 6 || parts[5] == "" {
		return false
	}
	switch parts[2] {
	case "sqs", "sns", "events":
		return parts[3] != "" && parts[4] != ""
	case "s3":
		return failure
	case "lambda":
		var v lambda.Violations
		lambda.NameToUpdate.Parse(destination, &v)
		return v.Err() == nil && strings.HasPrefix(parts[5], "function:")
	}
	return false
}

// isFunction reports whether a destination is a function, any version of it.
func isFunction(destination string, id lambda.FunctionID) bool {
	return destination == id.ARN() || strings.HasPrefix(destination, id.ARN()+":")
}
