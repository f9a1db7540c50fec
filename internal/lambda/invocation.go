package lambda

import (
	"io"
	"time"
)

// InvocationType says whether a caller waits for the answer.
type InvocationType string

// The invocation types, as the header X-Amz-Invocation-Type writes them.
const (
	RequestResponse InvocationType = "RequestResponse"
	Event           InvocationType = "Event"
	DryRun          InvocationType = "DryRun"
)

// Invocation is one request to run a function. Everything below Type is set by
// the front that received it; Target is set by the router.
type Invocation struct {
	RequestID string // UUID
	Function  FunctionID
	Qualifier string // as requested: "", "$LATEST", a number or an alias
	Type      InvocationType

	Payload       []byte // JSON; at most MaxPayload bytes
	ClientContext []byte // JSON, decoded from base64; nil if none
	TraceID       string // X-Amzn-Trace-Id; "" if none
	TenantID      string // X-Amz-Tenant-Id; "" if none
	TailLog       bool   // the caller wants the last 4 KiB of the log
	Arrived       time.Time

	// Target is the version that runs, once the router has resolved it.
	Target *Target
}

// Target is a resolved version, with all that a start needs to know. It is
// immutable and shared between invocations.
type Target struct {
	ID      FunctionID
	Version Version
	Tags    map[string]string
	Tier    Tier
	Network Network // "" = NetworkNone
	Reach   Reach   // beside it

	CPUQuota float64 // CPUs, a hard limit; 0 = none
	Class    Class   // 0 = by the invocation's type
	Keep     Keep    // how long idle instances stay

	Concurrency int // requests at once in one instance; 0 = 1
	// Provisioned says that an instance is initialised ahead of requests: provisioned
	// concurrency, not scaling, asked for it.
	Provisioned bool

	// Refused is why it may not run although it is there: its isolation is weaker than the
	// account allows by now.
	Refused error

	// Tenant is whose instance alone it is; "" where the function has no tenant isolation.
	Tenant string
	shared *Target // what For made this of
	// Snapshot says that an instance is initialised ahead to be restored by the first
	// request that it gets: SnapStart.
	Snapshot bool
}

// Slots is how many requests one instance may be given at once, at least 1.
func (t *Target) Slots() int { return max(t.Concurrency, 1) }

// Shared reports whether an instance may be given several requests at once.
func (t *Target) Shared() bool { return t.Concurrency > 1 }

// InvokedARN is the ARN as the caller named it: what the context object shows.
func (inv *Invocation) InvokedARN() string { return inv.Function.QualifiedARN(inv.Qualifier) }

// Head goes before the bytes of an answer.
type Head struct {
	ContentType string // "" means application/json
	Streaming   bool   // the runtime asked for response streaming
}

// A Sink takes the answer of an invocation as it comes: Head once, then any
// number of writes, then Finish once. One goroutine at a time calls it. A blocked
// Write is back-pressure: the function waits. It must return once its caller is gone:
// an instance waits for it before it reports a timeout. An error from Head or Write ends the
// answer; the instance reports it to the function and calls Finish all the same.
type Sink interface {
	Head(Head) error
	io.Writer
	// Finish ends the answer. A non-nil fn is the function's error; its payload
	// replaces what a buffered sink has so far.
	Finish(fn *FunctionError)
}

// FunctionError is an error of the function, not of Lambent: the invocation
// itself answers 200.
type FunctionError struct {
	Type    string // "Runtime.ExitError", "Sandbox.Timedout", or what the runtime reported
	Payload []byte // JSON body as the caller sees it
}

// Error returns the error's type.
func (e *FunctionError) Error() string { return e.Type }
