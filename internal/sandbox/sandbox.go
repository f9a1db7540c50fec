package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// Errors that callers tell apart.
var (
	// ErrUnavailable is wrapped by what Probe answers on a host that lacks something.
	ErrUnavailable = errors.New("not available on this host")
	// ErrClosed is wrapped by what a closed or dead sandbox, template or process answers.
	ErrClosed = errors.New("sandbox is closed")
	// ErrBound is the answer to a second Bind.
	ErrBound = errors.New("sandbox is already bound")
	// ErrNotBound is the answer to Run, Open and Reset before Bind.
	ErrNotBound = errors.New("sandbox is not bound")
)

// Network is a sandbox's network profile.
type Network = lambda.Network

// NetworkNone gives a loopback interface and nothing else, see package lambda for the others.
const NetworkNone = lambda.NetworkNone

// RootHost is the root file system made of the host's own /usr and friends.
const RootHost = "host"

// Base is all that is fixed before the function is known. It is comparable: it
// keys templates.
type Base struct {
	Trust   string // account (and tenant): what is forked or restored shares memory layout, so never across it
	Root    string // RootHost, or the content address of a root file system
	Preload string // names the Preload that Create starts; "" = none
	Memory  int    // MiB of a guest's RAM, which cannot change later; 0 where a tier has none
	Tmp     int64  // bytes that /tmp can hold; not charged to a workload's memory
	Network Network
}

// Features says what a driver can do on this host.
type Features struct {
	Tier     lambda.Tier
	LateBind bool    // Create runs ahead of requests; Bind is cheap
	Freeze   bool    // sandboxes implement Freezer
	Emulated bool    // software stands in for the processor, which is many times slower
	Checks   []Check // what was looked at, for doctor
}

// Check is one thing that a driver needs or can use.
type Check struct {
	Name     string // "cgroup memory controller"
	Found    string // "v1 at /sys/fs/cgroup/memory"
	OK       bool
	Required bool   // the tier is unavailable without it
	Needed   string // what would be good; "" when OK
	Fix      string // what a person can do; "" when OK
}

// Driver makes sandboxes of one tier.
type Driver interface {
	// Probe says what this host supports; an error wrapping ErrUnavailable names what
	// is missing and how to get it. Features.Checks is filled in also with an error.
	Probe(ctx context.Context) (Features, error)
	// Prepare readies a base once: root file system, zygote, snapshot. It may be slow.
	Prepare(ctx context.Context, b Base) (Template, error)
	// Reap destroys what dead owners left on the host.
	Reap(ctx context.Context, alive func(owner string) bool) error
}

// A Template makes generic sandboxes, often. Where Features.LateBind holds, Create
// runs ahead of requests.
type Template interface {
	// Create makes a generic sandbox. The id is unique on the host: letters, digits
	// and '-', at most 64 bytes.
	Create(ctx context.Context, id string) (Sandbox, error)
	// Close frees the template. Sandboxes made from it live on. A second Close is nil.
	Close() error
}

// Background is a Template that can make a sandbox for which nobody waits: until Bind it
// has the smallest share of CPU. Optional, known to package stem only.
type Background interface {
	CreateInBackground(ctx context.Context, id string) (Sandbox, error)
}

// Rester is a Sandbox that has something to do also while nobody asks it for anything: a machine,
// whose kernel keeps time. Optional, known to package stem only.
type Rester interface {
	// Rest stops a generic box, so that it costs no CPU, until it is asked for something: Bind, Listen
	// and Dial wake it. A bound one is left alone.
	Rest(ctx context.Context) error
}

// Forker is a Template that may fork its base's interpreter from a zygote. Optional, known
// to package stem only.
type Forker interface{ Forks() bool }

// Fitter is a Template that can make one of its sandboxes of a bare one: a generic sandbox
// in which nothing waits, of a base that many templates have in common. Optional, known to
// package stem only.
type Fitter interface {
	// Bare is the base of the sandboxes that Fit takes, of the same driver: it has in common
	// all that isolates.
	Bare() Base
	// Fit makes s as Create would make it for somebody who waits. After an error s is of no
	// use but to be closed.
	Fit(ctx context.Context, s Sandbox) error
}

// Sandbox is one isolated box.
type Sandbox interface {
	// Bind gives the box to a workload, once.
	Bind(ctx context.Context, w Workload) error
	// Run starts a command in the bound box: runtime, extension, runtime after a reset.
	Run(ctx context.Context, c Command) (Process, error)
	// Reset ends all that Run started and keeps the box.
	Reset(ctx context.Context) error
	// Open opens a stream to the most recent command run with Stream, one per request slot.
	Open(ctx context.Context) (net.Conn, error)
	// Listen listens on a TCP address inside: Runtime API, call-home. The listener's
	// Addr is what a command inside must dial: a driver whose boxes share the host's
	// network takes a free port instead of the one asked for.
	Listen(ctx context.Context, addr string) (net.Listener, error)
	// Dial connects to a TCP address inside: telemetry, http services.
	Dial(ctx context.Context, addr string) (net.Conn, error)
	// Usage reads the counters of the box.
	Usage(ctx context.Context) (Usage, error)
	// Done is closed when the box itself is gone; Err then says why.
	Done() <-chan struct{}
	// Err is nil while the box lives, wraps ErrClosed after Close, and says what
	// happened when the box died by itself.
	Err() error
	// Close kills and frees everything; idempotent; bounded by ctx.
	Close(ctx context.Context) error
}

// Workload is what makes a sandbox a function's.
type Workload struct {
	Name      string       // function and version, for people; not trusted
	Mounts    []Mount      // read-only, nosuid, nodev
	Memory    int64        // bytes for all processes together
	Pids      int          // processes and threads
	CPUWeight uint64       // 1 to 10000, cgroup v2's scale; 0 = 100
	CPUQuota  float64      // CPUs, a hard limit; 0 = none
	Class     lambda.Class // 0 = latency
	Env       []string     // for every command, before Command.Env
	// Reach is what it reaches beside the base's profile, or alone: of an egress box only.
	// What is in Reach.Host is not the driver's.
	Reach lambda.Reach
}

// Mount shows a folder of the host inside the box, read-only.
type Mount struct {
	Source string // absolute path on the host
	Target string // /var/task, /opt, /var/runtime or /var/lang
}

// Preload is an interpreter that Create starts before it is known for whom. Mounts are
// part of the base then: a workload that names one of them again changes nothing.
type Preload struct {
	Mounts []Mount // what Command and Zygote need: interpreter and bootstrap
	// Command is as for Run, without Stdout and Stderr. In a box that is made in the background
	// it may find LAMBENT_REHEARSE: there is time to ready what the first event needs, and
	// somebody waits for any other. Without a Path it becomes, in a box
	// that is made in the background, whatever is run without a stream.
	Command Command
	// Zygote is the program, with its arguments, that forks the interpreter from itself
	// instead; nil = Command is executed. See package zygote.
	Zygote []string
	// Copies says that the command, once it waits, may go on any number of times from one state
	// of its memory: it has drawn no random number that it keeps, or draws new ones with its workload.
	Copies bool
	// Rehearses says that the command, while it waits, may be told a zero byte: it plays a start in
	// a child of its own, of which nothing stays, and answers with a zero byte. It finds
	// LAMBENT_REHEARSE=again where that may happen, and that it starts ahead.
	Rehearses bool
}

// Command is a process to run inside a bound box.
type Command struct {
	Path   string   // absolute, inside
	Args   []string // without the program's name
	Env    []string // "K=V"
	Dir    string   // absolute, inside; "" = /
	Stdout io.Writer
	Stderr io.Writer
	Stream bool // give it a stream channel, see the package comment
	Direct bool // with Stream: one stream in the channel's place
}

// Check is nil where the paths are those of a box.
func (c *Command) Check() error {
	if !path.IsAbs(c.Path) || c.Dir != "" && !path.IsAbs(c.Dir) {
		return fmt.Errorf("command %q in %q: paths must be absolute", c.Path, c.Dir)
	}
	return nil
}

// LastOfEach drops a variable that is set again later: execve(2) would pass both.
func LastOfEach(env []string) []string {
	seen := make(map[string]bool, len(env))
	kept := make([]string, 0, len(env))
	for _, variable := range slices.Backward(env) {
		name, _, _ := strings.Cut(variable, "=")
		if !seen[name] {
			seen[name] = true
			kept = append(kept, variable)
		}
	}
	slices.Reverse(kept)
	return kept
}

// Process is a command that was started.
type Process interface {
	// Signal sends sig to the process; an ended one answers os.ErrProcessDone.
	Signal(sig os.Signal) error
	// Sync returns when everything that the process wrote before this call has
	// reached Command.Stdout and Stderr.
	Sync(ctx context.Context) error
	// Done is closed when the process has ended and its output was delivered.
	Done() <-chan struct{}
	// Exit is valid once Done is closed.
	Exit() Exit
}

// Exit says how a process ended.
type Exit struct {
	Code        int            // when Signal is 0
	Signal      syscall.Signal // 0 if it exited by itself
	OutOfMemory bool           // the memory limit killed it
}

// Usage is what a box has used since Create. The counters of a box never fall.
type Usage struct {
	Memory     int64 // bytes now
	MemoryPeak int64 // bytes
	CPU        time.Duration
	OOMKills   int64

	Throttled Counter[time.Duration] // held back by CPUQuota, summed over CPUs
	// The next three are wall time in which at least one thread of the box was held up. They
	// are lower bounds: Linux takes a mean over the CPUs that the box was on, or what threads
	// waited that have ended since the last reading is lost.
	// They may overlap. Where a driver cannot tell, Waiting has some of Throttled in it.
	Waiting      Counter[time.Duration] // it could run and had no CPU
	HostWaiting  Counter[time.Duration] // the same of any thread of the host, Lambent's own among them
	MemoryStall  Counter[time.Duration] // it waited for memory: reclaim, refaults, swap
	IOStall      Counter[time.Duration] // it waited for a block device
	Faults       Counter[int64]         // page faults, major ones included
	MajorFaults  Counter[int64]         // those that had to read from a device
	ReadBytes    Counter[int64]         // from block devices
	WrittenBytes Counter[int64]         // to block devices
}

// Counter is a figure that not every driver and host can give. Not known is not zero: the
// zero Counter. A counter that was known once stays so.
type Counter[T ~int64] struct {
	Value T
	Known bool
}

// Brief tells little of what Usage does, for much less: MemoryPeak and CPU, all else not
// known. Every invocation asks. Optional, known to package instance only.
type Brief interface {
	Brief(ctx context.Context) (Usage, error)
}

// Classed gives a bound box another class while it lives: its share of CPUs and devices
// changes, nothing is moved, and it is cheap enough for the moment before a request.
// Optional, known to package instance only. A class that stays costs nothing.
type Classed interface {
	SetClass(ctx context.Context, c lambda.Class) error
}

// Turn is how the threads of a box share a CPU with others that want it.
type Turn struct {
	// Slice is for how long one runs before others have their turn: from 0.1 to 100 ms, 0 = as the
	// kernel has it. Who wakes up runs at once beside those with longer slices.
	Slice time.Duration
	// Ahead gives the box many times its CPUWeight while it is not of the batch class.
	Ahead bool
}

// Scheduled gives a bound box another turn while it lives. What the box starts later has it, too.
// Optional, known to package instance only.
type Scheduled interface {
	SetTurn(ctx context.Context, t Turn) error
}

// Freezer stops all processes of a box without ending them. Optional, known to
// package instance only. Freeze and Thaw are idempotent.
type Freezer interface {
	Freeze(ctx context.Context) error
	Thaw(ctx context.Context) error
}
