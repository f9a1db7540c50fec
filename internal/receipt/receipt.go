package receipt

import (
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// Phase is a part of an invocation's wall time. The phases of one receipt do not
// overlap and sum to the wall time.
type Phase int

// The phases, in the order in which they happen.
const (
	Queue    Phase = iota // waiting for a permit, memory or an instance; resolving; hand-over
	Sandbox               // making and binding the sandbox
	Runtime               // starting the runtime's process until it asks for work or reports
	Init                  // the function's own initialisation
	Handler               // from handing the event over until the answer's first byte
	Response              // the rest of the answer
	phases
)

var phaseNames = [phases]string{"queue", "sandbox", "runtime", "init", "handler", "response"}

// String returns the phase's name as Server-Timing shows it.
func (p Phase) String() string { return phaseNames[p] }

// Phases lists all phases in order.
func Phases() []Phase { return []Phase{Queue, Sandbox, Runtime, Init, Handler, Response} }

// StartKind says how an invocation got its instance.
type StartKind string

// The start kinds.
const (
	Warm        StartKind = "warm"
	Provisioned StartKind = "provisioned"
	Stem        StartKind = "stem"
	Box         StartKind = "box" // a sandbox that waited, without an interpreter
	Fork        StartKind = "fork"
	Restore     StartKind = "restore"
	Cold        StartKind = "cold"
)

// Receipt is the account of one invocation.
type Receipt struct {
	RequestID string
	Version   string // executed version
	Tenant    string // whose it was; "" where the function has no tenant isolation
	Tier      lambda.Tier
	Network   lambda.Network // profile; "" = not known
	Start     StartKind
	Why       string // why it was not warm, one short sentence; "" when warm
	Class     lambda.Class
	Fault     string // type of the function's error, "Sandbox.Timedout" for instance; "" if none

	Arrived time.Time
	Spent   [phases]time.Duration

	MemoryPeak int64 // bytes, of the instance since its start
	MemorySize int   // MB that the function has
	Cost       Cost  // zero: the server knows no price
	Used       Used
	Neighbours []Neighbour // those that used most CPU, on receipts of slow invocations only
	TailLog    []byte      // last 4 KiB of the log, if asked for
}
