package receipt

import (
	"slices"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// Phase is a part of an invocation's wall time. The phases of one receipt do not
// overlap and sum to the wall time.
type Phase int

// The phases; Phases has their order. The last three are of sandboxes with a kernel of their own
// only, and part of what Sandbox is elsewhere.
const (
	Queue    Phase = iota // waiting for a permit, memory or an instance; resolving; hand-over
	Sandbox               // making and binding the sandbox
	Runtime               // starting the runtime's process until it asks for work or reports
	Init                  // the function's own initialisation
	Handler               // from handing the event over until the answer's first byte
	Response              // the rest of the answer
	Boot                  // a machine's first start, until others can go on from it
	Resume                // a machine goes on from a snapshot, until it answers: "restore"
	Attach                // the function's folders are shown in a machine
	phases
)

var phaseNames = [phases]string{"queue", "sandbox", "runtime", "init", "handler", "response", "boot", "restore", "attach"}

// String returns the phase's name as Server-Timing shows it.
func (p Phase) String() string { return phaseNames[p] }

// order is that in which the phases happen.
var order = [phases]Phase{Queue, Sandbox, Boot, Resume, Attach, Runtime, Init, Handler, Response}

// Phases lists all phases in order.
func Phases() []Phase { return slices.Clone(order[:]) }

// ofMachine says whether only sandboxes with a kernel of their own have a phase.
func (p Phase) ofMachine() bool { return p >= Boot }

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
	Emulated  bool           // by software in the place of a processor: no real machine's times
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
