package lambda

import (
	"fmt"
	"time"
)

// Error is an error of the API, as AWS shapes it. Make one with NewError, so that
// name, status and message key come from the one table.
type Error struct {
	Kind    *ErrorKind
	Message string
	Reason  string // throttles only
	// RetryAfter is in what time another try is expected to succeed, for throttles; 0 =
	// nothing is known.
	RetryAfter time.Duration
	Cause      error // for the log; never shown to a caller
}

// ErrorKind is one row of the table of errors.
type ErrorKind struct {
	Name       string // "ResourceNotFoundException"
	Status     int    // HTTP status
	MessageKey string // "Message" or "message": AWS differs per error and SDKs depend on it
	Type       string // "User" or "Service"; "" where AWS sends none
}

// NewError makes an error of one kind; the message is AWS's text.
func NewError(kind *ErrorKind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// WithCause returns a copy of e that wraps the internal cause.
func (e *Error) WithCause(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// Error returns name and message.
func (e *Error) Error() string { return e.Kind.Name + ": " + e.Message }

// Unwrap returns the internal cause.
func (e *Error) Unwrap() error { return e.Cause }

// Reasons of a throttle (TooManyRequestsException.Reason).
const (
	ReasonConcurrency         = "ConcurrentInvocationLimitExceeded"
	ReasonReservedConcurrency = "ReservedFunctionConcurrentInvocationLimitExceeded"
	ReasonCallerRate          = "CallerRateLimitExceeded"
)
