package lambdaapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"

	"lambent.dev/lambent/internal/lambda"
)

// answer writes a JSON body.
func (c *call) answer(status int, body any) error {
	encoded, err := encode(body)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.write(status, encoded)
	return nil
}

// write sends the head and the body. A client that went away is nobody's error.
func (c *call) write(status int, body []byte) {
	c.started = true
	c.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body)
}

// noContent sends a status without a body.
func (c *call) noContent() {
	c.started = true
	c.w.WriteHeader(http.StatusNoContent)
}

// encode is json.Marshal without the escaping that is meant for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// fail writes an error as AWS shapes it. What is not an error of the API becomes a
// ServiceException without its text, which goes to the log.
func (c *call) fail(err error) {
	var e *lambda.Error
	switch {
	case !errors.As(err, &e):
		e = c.internal()
		c.logUnlessGone("request failed", err)
	case e.Cause != nil:
		c.Log.Info("request refused", "operation", c.operation, "requestId", c.requestID, "error", err, "cause", e.Cause)
	}
	if c.started {
		return
	}
	c.writeError(e)
}

func (c *call) writeError(e *lambda.Error) {
	body := map[string]string{e.Kind.MessageKey: e.Message}
	if e.Kind.Type != "" {
		body["Type"] = e.Kind.Type
	}
	if e.Reason != "" {
		body["Reason"] = e.Reason
	}
	if e.Kind == lambda.ErrTooManyRequests {
		c.w.Header().Set("Retry-After", retryAfter(e))
	}
	encoded, _ := encode(body) // strings only: cannot fail
	c.w.Header().Set("X-Amzn-ErrorType", e.Kind.Name)
	c.w.Header().Set("Content-Type", "application/json")
	c.write(e.Kind.Status, encoded)
}

// retryAfter is in whole seconds, as the header wants it; at least one, which is also said
// where nothing is known.
func retryAfter(e *lambda.Error) string {
	return strconv.Itoa(max(1, int(math.Ceil(e.RetryAfter.Seconds()))))
}

// recovered turns a panic of a handler into a ServiceException.
func (c *call) recovered() {
	cause := recover()
	if cause == nil {
		return
	}
	c.Log.Error("panic while serving", "operation", c.operation, "requestId", c.requestID, "panic", cause, "stack", string(debug.Stack()))
	if !c.started {
		c.writeError(c.internal())
	}
}

// internal is what a caller hears of an error that is Lambent's own.
func (c *call) internal() *lambda.Error {
	return lambda.NewError(lambda.ErrService, "An internal error occurred. The log of Lambent names it by the request id %s.", c.requestID)
}

// logUnlessGone logs an error of work for a client, unless the client went away.
func (c *call) logUnlessGone(doing string, err error) {
	if err != nil && c.ctx().Err() == nil {
		c.Log.Error(doing, "operation", c.operation, "requestId", c.requestID, "error", err)
	}
}
