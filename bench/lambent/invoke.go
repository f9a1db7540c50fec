package lambent

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lambent.dev/lambent/bench/load"
)

// Caller invokes one function over one connection. It belongs to one goroutine at a time.
type Caller struct {
	server  *Server
	conn    *load.Conn
	request load.Request
}

// NewCaller connects. event is JSON.
func (s *Server) NewCaller(ctx context.Context, function, event string) (*Caller, error) {
	conn, err := load.Dial(ctx, s.Addr)
	if err != nil {
		return nil, fmt.Errorf("connecting to lambent: %w", err)
	}
	path := "/2015-03-31/functions/" + function + "/invocations"
	return &Caller{server: s, conn: conn, request: load.Post(s.Addr, path, []byte(event))}, nil
}

// Close ends the connection.
func (c *Caller) Close() error { return c.conn.Close() }

// Ready connects anew where that is needed, before many invoke at once.
func (c *Caller) Ready(ctx context.Context) error { return c.conn.Ready(ctx) }

// Invocation is what one request came to.
type Invocation struct {
	Sent    time.Time
	Took    time.Duration
	Start   string // how it got its instance: "warm", "stem", "fork", "cold" …
	Fresh   bool   // the handler's module was imported after the request was sent
	Refused string // why it was throttled; "" = it ran
	// Emulated says that software emulated the processor it ran on.
	Emulated bool
	Held     time.Duration // time held back by a quota of CPU
	Body     []byte
}

// Invoke sends the request and reads what came back. A function that failed is an error.
func (c *Caller) Invoke() (Invocation, error) {
	real := time.Now().UnixMicro()
	a, err := c.conn.Do(c.request)
	if err != nil {
		return Invocation{}, err
	}
	i := Invocation{Sent: a.Sent, Took: a.Took, Start: a.Header.Get("X-Lambent-Start"), Body: a.Body}
	switch {
	case a.Status == http.StatusTooManyRequests:
		i.Refused = reason(a.Body)
		return i, nil
	case a.Status != http.StatusOK || a.Header.Get("X-Amz-Function-Error") != "":
		return Invocation{}, fmt.Errorf("the function failed with status %d: %.300s", a.Status, a.Body)
	}
	i.Emulated = a.Header.Get("X-Lambent-Emulated") == "true"
	i.Held = held(a.Header.Get("X-Lambent-Usage"))
	i.Fresh = bornAfter(a.Body, real)
	return i, nil
}

// reason is AWS's of a throttle.
func reason(body []byte) string {
	var refusal struct{ Reason string }
	if json.Unmarshal(body, &refusal) != nil || refusal.Reason == "" {
		return "without a reason"
	}
	return refusal.Reason
}

// held reads the throttled time of the header X-Lambent-Usage, in milliseconds there.
func held(usage string) time.Duration {
	_, rest, found := strings.Cut(usage, "throttled=")
	if !found {
		return 0
	}
	number, _, _ := strings.Cut(rest, ",")
	ms, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil {
		return 0
	}
	return time.Duration(ms * float64(time.Millisecond))
}

// bornAfter says whether an answer proves that its module was imported after a moment, both in
// microseconds of the real-time clock.
func bornAfter(body []byte, moment int64) bool {
	var a struct{ Born int64 }
	return json.Unmarshal(body, &a) == nil && a.Born > moment
}
