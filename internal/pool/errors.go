package pool

import (
	"errors"
	"time"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
)

// ErrClosed is the cause of what a pool answers after Close.
var ErrClosed = errors.New("pool is closed")

// Causes, for the log: callers see AWS's errors.
var (
	errQueueFull    = errors.New("as many requests as the queue takes wait for an instance")
	errQueueTimeout = errors.New("no instance became free in time")
	errStartTimeout = errors.New("starting the instance took too long")
	errNotNeeded    = errors.New("no request needs the instance any more")
	errIceTimeout   = errors.New("freezing or thawing took too long")
)

// throttled is Lambda's answer to a request for which there is no capacity within wait, as
// far as that is known.
func throttled(cause error, wait time.Duration) error {
	e := lambda.NewError(lambda.ErrTooManyRequests, "Rate Exceeded.")
	e.Reason, e.RetryAfter = lambda.ReasonConcurrency, wait
	return e.WithCause(cause)
}

// failed is Lambda's answer to a fault of the platform.
func failed(cause error) error {
	return lambda.NewError(lambda.ErrService, "The function could not be started. Try again; Lambent's log says why.").WithCause(cause)
}

// shaped turns an instance's error into the caller's. One that wraps ErrGone stays:
// another instance may take the event.
func shaped(err error) error {
	if err == nil || errors.Is(err, instance.ErrGone) {
		return err
	}
	if _, ok := final(err); ok {
		return err
	}
	return lambda.NewError(lambda.ErrService, "The function's execution environment was lost while it ran.").WithCause(err)
}

// final returns the caller's error in err, if it is one.
func final(err error) (*lambda.Error, bool) {
	var e *lambda.Error
	return e, errors.As(err, &e)
}
