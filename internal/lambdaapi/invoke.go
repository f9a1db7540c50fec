package lambdaapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"lambent.dev/lambent/internal/lambda"
)

// Limits of an invocation's headers, in bytes. Source: AWS Lambda API reference, Invoke:
// "Up to 3,583 bytes of base64-encoded data"; the trace header as X-Ray writes it is far
// shorter.
const (
	maxClientContext = 3583
	maxTraceID       = 512
)

// invoke answers Invoke.
func invoke(c *call) error {
	inv, err := c.invocation()
	if err != nil {
		return err
	}
	if inv.Type == lambda.Event {
		return c.accept(inv)
	}
	return c.run(inv)
}

// accept answers once the event is on disk. Its request id is the function's. Nothing is
// known yet of the version that will run.
func (c *call) accept(inv *lambda.Invocation) error {
	if n := len(inv.Payload); n > lambda.MaxEvent {
		return lambda.NewError(lambda.ErrRequestEntityTooLarge,
			"%d byte payload is too large for the Event invocation type (limit %d bytes)", n, lambda.MaxEvent)
	}
	if err := c.Events.Accept(c.ctx(), inv); err != nil {
		return err
	}
	c.w.Header().Set("X-Amzn-Trace-Id", inv.TraceID)
	c.write(http.StatusAccepted, nil)
	return nil
}

// run hands the invocation over and answers with what came of it. A dry run ends in
// the router, which finds out whether the function is there and can be invoked.
func (c *call) run(inv *lambda.Invocation) error {
	sink := &lambda.Buffer{Cap: lambda.MaxResponse}
	r, err := c.Invoker.Invoke(c.ctx(), inv, sink)
	if err != nil {
		return err
	}
	if inv.Type == lambda.DryRun {
		c.noContent()
		return nil
	}
	c.describeRun(inv, &r, sink)
	c.write(http.StatusOK, sink.Bytes())
	return nil
}

// invocation reads the request.
func (c *call) invocation() (*lambda.Invocation, error) {
	var v lambda.Violations
	inv := &lambda.Invocation{RequestID: c.requestID, Type: lambda.RequestResponse, Arrived: c.arrived}
	c.readTypes(inv, &v)
	inv.TenantID = c.r.Header.Get("X-Amz-Tenant-Id")
	lambda.CheckTenant(inv.TenantID, &v)
	n, err := c.function(lambda.NameToRead, &v)
	if err != nil {
		return nil, err
	}
	inv.Function, inv.Qualifier = n.id, n.qualifier
	if err := c.readHeaders(inv); err != nil {
		return nil, err
	}
	c.announce(inv)
	inv.Payload, err = c.payload()
	return inv, err
}

// longBody is from how many bytes on a body takes so long to arrive that a start is worth
// beginning before it is there.
const longBody = 64 << 10

func (c *call) announce(inv *lambda.Invocation) {
	long := c.r.ContentLength < 0 || c.r.ContentLength >= longBody
	if c.Announcer != nil && long && inv.Type == lambda.RequestResponse {
		c.Announcer.Announce(c.ctx(), inv)
	}
}

func (c *call) readTypes(inv *lambda.Invocation, v *lambda.Violations) {
	if s := c.r.Header.Get("X-Amz-Invocation-Type"); s != "" {
		v.OneOf("invocationType", s, "Event", "RequestResponse", "DryRun")
		inv.Type = lambda.InvocationType(s)
	}
	if s := c.r.Header.Get("X-Amz-Log-Type"); s != "" {
		v.OneOf("logType", s, "None", "Tail")
		inv.TailLog = s == "Tail"
	}
}

func (c *call) readHeaders(inv *lambda.Invocation) (err error) {
	if c.r.Header.Get("X-Amz-Durable-Execution-Name") != "" {
		return invalid("Lambent does not support durable executions yet: leave out DurableExecutionName.")
	}
	inv.TraceID = traceID(c.r.Header.Get("X-Amzn-Trace-Id"), c.arrived)
	inv.ClientContext, err = clientContext(c.r.Header.Get("X-Amz-Client-Context"))
	return err
}

// clientContext decodes the header of that name: JSON in Base64.
func clientContext(header string) ([]byte, error) {
	if header == "" {
		return nil, nil
	}
	if len(header) > maxClientContext {
		return nil, lambda.NewError(lambda.ErrInvalidRequestContent, "Client context must be no more than %d bytes of Base64.", maxClientContext)
	}
	decoded, err := base64.StdEncoding.DecodeString(header)
	if err != nil {
		return nil, lambda.NewError(lambda.ErrInvalidRequestContent, "Client context must be a valid Base64-encoded JSON object.")
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(decoded, &object); err != nil || object == nil {
		return nil, lambda.NewError(lambda.ErrInvalidRequestContent, "Client context must be a valid Base64-encoded JSON object.")
	}
	return decoded, nil
}

// payload reads the event; an empty body is an empty object.
func (c *call) payload() ([]byte, error) {
	body, err := c.body(lambda.MaxPayload)
	if errors.Is(err, errBodyTooLarge) {
		return nil, errTooLarge(lambda.MaxPayload, "InvokeFunction")
	}
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return []byte("{}"), nil
	}
	if problem := jsonProblem(body); problem != "" {
		return nil, lambda.NewError(lambda.ErrInvalidRequestContent,
			"Could not parse request body into json: Could not parse payload into json: %s", problem)
	}
	return body, nil
}
