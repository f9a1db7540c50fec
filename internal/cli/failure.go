package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/aws/smithy-go"

	"lambent.dev/lambent/internal/control"
)

// explain turns what a client answers into what a person can act on: what is wrong, and
// the next step.
func (s *server) explain(err error) error {
	var refused smithy.APIError
	var operation *smithy.OperationError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return errInterrupted
	case isForeign(err):
		return fmt.Errorf("what answers at %s is not Lambda's API: is it the address of Lambent's metrics, or another program? Name Lambent's with %s", s.endpoint, s.flag())
	case isCode(err, "UnknownOperationException") && errors.As(err, &operation):
		return fmt.Errorf("the server at %s does not support %s yet: its README says what it does", s.endpoint, operation.OperationName)
	case errors.As(err, &refused):
		return &refusal{refused}
	case errors.Is(err, control.ErrNoServer):
		return fmt.Errorf("no Lambent answers at %s: start one with `lambent up`, or name its folder with --data", s.socket.Path())
	case isUnreached(err):
		return fmt.Errorf("no Lambent answers at %s: start one with `lambent up`, or name another with %s", s.endpoint, s.flag())
	default:
		return err
	}
}

var errInterrupted = errors.New("interrupted")

// flag is the one that names the server.
func (s *server) flag() string { return cmp.Or(s.namedBy, "--endpoint") }

// isForeign says whether something answered that does not speak Lambda's API.
func isForeign(err error) bool {
	var unread *smithy.DeserializationError
	return errors.As(err, &unread) || isCode(err, "UnknownError") // how the SDK calls an error without a code
}

// isUnreached says whether a request found no server. net.Error would not do: every errno of a file
// is one.
func isUnreached(err error) bool {
	var request *url.Error
	var operation *net.OpError
	return errors.As(err, &request) || errors.As(err, &operation)
}

// nextSteps are what to do about errors of the API, by their code.
var nextSteps = map[string]string{
	"ResourceNotFoundException": "`lambent ls` lists the functions, `lambent versions NAME` and `lambent alias ls NAME` what one has",
	"ValidationException":       "correct what it names",
	"TooManyRequestsException":  "wait, or raise the limit that it names",
}

// refusal is an error of the API as a person reads it.
type refusal struct{ cause smithy.APIError }

// Error words the error with its code, which is what documentation is searched by.
func (r *refusal) Error() string {
	code := r.cause.ErrorCode()
	text := fmt.Sprintf("%s (%s)", strings.TrimSuffix(r.cause.ErrorMessage(), "."), code)
	if next := nextSteps[code]; next != "" {
		text += ": " + next
	}
	return text
}

// Unwrap keeps the code within reach of isCode.
func (r *refusal) Unwrap() error { return r.cause }

// errIsGone says whether what was asked for does not exist.
func errIsGone(err error) bool { return isCode(err, "ResourceNotFoundException") }

func isCode(err error, code string) bool {
	var refused smithy.APIError
	return errors.As(err, &refused) && refused.ErrorCode() == code
}
