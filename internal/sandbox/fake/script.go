package fake

import (
	"context"
	"encoding/json"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
)

// Script is all that a fake driver does, as data. The zero Script is a driver of
// the tier light whose runtime echoes every event.
type Script struct {
	Tier    lambda.Tier // 0 = light
	Faults  []Fault
	Runtime Runtime
	// Program plays commands that were run without Stream. It ends when ctx does.
	// nil = wait for the end.
	Program func(ctx context.Context, p *Proc) sandbox.Exit
	// CPU is what every handled invocation adds to Usage.CPU.
	CPU time.Duration
	// Waiting is what every handled invocation adds to Usage.Waiting; 0 = it is not known.
	Waiting time.Duration
	// Memory is what Usage reports, now and as the peak.
	Memory int64
	// NoFreeze makes sandboxes that are no Freezer.
	NoFreeze bool
}

// Runtime is what the fake runtime does with events.
type Runtime struct {
	// Init runs between Begun and Ready. A non-nil answer is sent as InitError.
	Init func(ctx context.Context, p *Proc) json.RawMessage
	// Handle answers one event. nil echoes the payload.
	Handle func(ctx context.Context, c *Call) Answer
}

// Call is one event as the runtime sees it.
type Call struct {
	*Proc
	Meta    Meta
	Payload []byte
	Count   int // of this process, from 1: what a global of the function's module would count
}

// Meta is what goes before the event in an Invoke frame.
type Meta struct {
	ID            string          `json:"id"`
	DeadlineMs    int64           `json:"deadlineMs"`
	ARN           string          `json:"arn"`
	TraceID       string          `json:"traceId"`
	ClientContext json.RawMessage `json:"clientContext"`
	Identity      json.RawMessage `json:"identity"`
	TenantID      string          `json:"tenantId"`
}

// Answer is what a handler answers: an Error, or Chunks in order, or Body.
type Answer struct {
	Body   []byte
	Chunks [][]byte
	Error  json.RawMessage // errorType, errorMessage …
}

// Op is a point at which a fault can strike.
type Op int

// The points: calls of the contract, then moments of a runtime's life.
const (
	Prepare Op = iota + 1
	Create
	Bind
	Run
	Open
	Listen
	Reset
	Freeze
	Thaw
	Close
	Init   // the runtime has sent Begun
	Handle // the runtime has an event
	Answered
)

// Fault is one thing that goes wrong. Wait comes first; then Err, Exit, LoseStream
// or KillBox, whichever is set.
type Fault struct {
	At  Op
	Nth int // which occurrence over the driver's life, from 1; 0 = every one

	Wait       time.Duration // bounded by the call's context
	Err        error         // calls of the contract only: the call fails
	Exit       *sandbox.Exit // Init, Handle, Answered: the runtime's process ends so
	LoseStream bool          // Init, Handle, Answered: its streams break, it lives on
	KillBox    error         // the box dies by itself with this cause
}

// OutOfMemory is the Exit of a process that the memory limit killed.
func OutOfMemory() *sandbox.Exit { return &sandbox.Exit{Signal: 9, OutOfMemory: true} }
