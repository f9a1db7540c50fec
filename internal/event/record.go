package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// format is the version of what is written.
const format = 1

// record is what goes before an event in the queue, as one line of JSON. The event's bytes
// follow the newline as they came.
type record struct {
	Format    int       `json:"format"`
	RequestID string    `json:"requestId"`
	Account   string    `json:"account"`
	Region    string    `json:"region"`
	Name      string    `json:"name"`
	Qualifier string    `json:"qualifier,omitzero"`
	TraceID   string    `json:"traceId,omitzero"`
	TenantID  string    `json:"tenantId,omitzero"`
	Accepted  time.Time `json:"accepted"`
}

// encode leaves the client context out: Lambda passes it on for synchronous invocations
// only (API reference, Invoke).
func encode(inv *lambda.Invocation, accepted time.Time) ([]byte, error) {
	head, err := json.Marshal(record{
		Format: format, RequestID: inv.RequestID, Account: inv.Function.Account, Region: inv.Function.Region, Name: inv.Function.Name,
		Qualifier: inv.Qualifier, TraceID: inv.TraceID, TenantID: inv.TenantID, Accepted: accepted.UTC(),
	})
	if err != nil {
		return nil, fmt.Errorf("writing down an event: %w", err)
	}
	return append(append(head, '\n'), inv.Payload...), nil
}

var errNoRecord = errors.New("what the queue holds is no event of this version of Lambent")

// decode returns an invocation that is ready for the line, and when it was accepted. Its
// time in the queue is not on its receipt, which begins when the line gets it.
func decode(body []byte) (*lambda.Invocation, time.Time, error) {
	head, payload, found := bytes.Cut(body, []byte("\n"))
	var r record
	if err := json.Unmarshal(head, &r); err != nil || !found || r.Format != format || r.Name == "" {
		return nil, time.Time{}, errors.Join(errNoRecord, err)
	}
	return &lambda.Invocation{
		RequestID: r.RequestID, Function: lambda.FunctionID{Account: r.Account, Region: r.Region, Name: r.Name}, Qualifier: r.Qualifier,
		Type: lambda.Event, Payload: payload, TraceID: r.TraceID, TenantID: r.TenantID,
	}, r.Accepted, nil
}

// requestID is for the log: "" where there is none.
func requestID(body []byte) string {
	inv, _, err := decode(body)
	if err != nil {
		return ""
	}
	return inv.RequestID
}
