package agentproto

import (
	"encoding/json"
	"syscall"

	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// Paths inside. The folder belongs to root and is closed to others.
const (
	Folder = "/.lambent/box" // mount point of the box's private folder
	Path   = "/.lambent/agent"
	Door   = Folder + "/door" // of pipes and the socket
	Code   = Folder + "/code" // a folder for each target, in which the host shows a mount later
	Socket = "socket"         // in the door
)

// What a guest's agent finds.
const (
	GuestPath = "/init"         // its program, which the kernel starts
	Modules   = "/modules"      // the kernel's modules, and the file "order" that lists them
	Port      = "/dev/vport0p1" // the first serial port but the console's
	Hostname  = "sandbox"
)

// Words of the kernel's command line, by which a guest hears of a monitor that has no serial port,
// and names no drives.
const (
	VsockWord  = "lambent.vsock="  // the port on which the agent listens for the host (vsock(7))
	DrivesWord = "lambent.drives=" // the names of its block devices, in their order, with commas
)

// Devices are the serial numbers of a guest's block devices: the base, /tmp, and one for each
// target that a workload may show.
func Devices() []string { return []string{"base", "tmp", "code0", "code1", "code2", "code3"} }

// ControlFD is the agent's end of the conversation.
const ControlFD = initproto.ControlFD

// StreamFD is where a command run with a stream channel finds it.
const StreamFD = initproto.StreamFD

// Request is what the driver sends: exactly one of the pointers is set.
type Request struct {
	Seq      uint64
	Setup    *Setup    `json:",omitempty"`
	Bind     *Bind     `json:",omitempty"`
	Run      *Run      `json:",omitempty"`
	Signal   *Signal   `json:",omitempty"`
	Reset    *Reset    `json:",omitempty"`
	Freeze   *Freeze   `json:",omitempty"`
	Open     *Open     `json:",omitempty"`
	Listen   *Listen   `json:",omitempty"`
	Unlisten *Unlisten `json:",omitempty"`
	Dial     *Dial     `json:",omitempty"`
	Sync     *Sync     `json:",omitempty"`
	Usage    *Usage    `json:",omitempty"`
	Clock    *Clock    `json:",omitempty"`
	Preload  *Preload  `json:",omitempty"`
	Wake     *Fresh    `json:",omitempty"`
	Adopt    *Adopt    `json:",omitempty"`
	Rehearse *Rehearse `json:",omitempty"`
}

// Setup finishes the box and fixes what Bind will take away. The zero value of every switch
// is the safe one.
type Setup struct {
	UID, GID   int   // of commands
	ShmSize    int64 // bytes of /dev/shm
	Privileged bool  // commands are root and hold the agent's capabilities
	Devices    bool  // leave devices in /dev that no function needs

	Guest *Guest `json:",omitempty"` // what only a guest's agent needs to know
}

// Guest is what the agent of a guest finishes the box with, after the guest was restored.
type Guest struct {
	Fresh         *Fresh   `json:",omitempty"` // nil = Wake comes, in each guest that goes on from here
	Masked        []string // covered, where they exist
	ReadOnly      []string // made read-only, where they exist
	Filter        []byte   // seccomp program; empty = none
	NewPrivileges bool     // execve may give rights
	SetUID        bool     // set-id bits work
	ResolvConf    string   `json:",omitempty"` // content of /etc/resolv.conf; "" = the root's own
}

// Fresh is what makes a guest another than those that were restored from the same memory.
type Fresh struct {
	Time int64  // the host's, nanoseconds since 1970
	Seed []byte // of the guest's random numbers

	Network *Network `json:",omitempty"` // nil = what it has stays
}

// Network configures a guest's network device, once, before Bind.
type Network struct {
	Address string // on a wire of two
	Gateway string // the other one's
}

// Link is the name of a guest's network device.
const Link = "eth0"

// Bind shows what the host mounted in Code at the targets.
type Bind struct {
	Targets []string // absolute
	Names   []string // of the folders in Code, one for each target
	Pids    int      // processes and threads of all commands together; 0 = no limit
	Memory  int64    // bytes of all commands together, in a guest; 0 = no limit
	Fresh   *Fresh   `json:",omitempty"` // of a guest
}

// Run starts a command. Stdout and Stderr are names of pipes in the door, or tickets of a
// guest's streams.
type Run struct {
	ID     uint64 // chosen by the driver; names the command from here on
	Path   string
	Args   []string // with the program's name
	Env    []string
	Dir    string
	Stdout string
	Stderr string // "" = Stdout
	Stream bool   // it gets a channel at StreamFD
	Direct uint64 // the ticket of the one stream that it gets there instead
	Start  uint64 // the ticket of the stream, its last descriptor, on which it waits for its workload; may come before Bind
}

// Signal sends a signal to a command's process.
type Signal struct {
	ID     uint64
	Number syscall.Signal
}

// Reset ends everything in the box but the agent.
type Reset struct{}

// Freeze stops everything in the box but the agent, or lets it go on. Doing either again
// changes nothing.
type Freeze struct{ Frozen bool }

// Open connects a stream and sends it over a command's channel.
type Open struct {
	ID     uint64 // of the command
	Ticket uint64
}

// Listen listens on a TCP address. Each connection that is accepted is joined with one to the
// socket, which bears the ticket.
type Listen struct {
	Ticket  uint64 // names the listener from here on
	Address string
}

// Unlisten closes a listener. One that is gone is no error.
type Unlisten struct{ Ticket uint64 }

// Dial connects to a TCP address and joins the connection with one to the socket.
type Dial struct {
	Ticket  uint64
	Address string
}

// Sync delivers what a command of a guest wrote before it to the stream of a ticket.
type Sync struct{ Ticket uint64 }

// Usage asks what commands of a guest use, and how long it has run.
type Usage struct{}

// Used answers Usage.
type Used struct {
	Memory     int64 // bytes now
	MemoryPeak int64 // bytes
	OOMKills   int64 // processes that the guest's kernel killed for lack of memory
	Uptime     int64 // nanoseconds by the guest's CLOCK_MONOTONIC
}

// Clock sets a guest's clock, which stood while it was frozen.
type Clock struct{ Time int64 }

// Preload shows folders as Bind does, and starts a command that waits: it reads its workload from
// the descriptor that LAMBENT_START names. Stdout, Stderr and Direct are of no meaning but
// that a Direct that is not 0 gives it one stream.
type Preload struct {
	Run
	Targets []string
	Names   []string
}

// Rehearse has a guest that waits go the way of a start, and leave no trace: it shows folders as
// Bind does and hides them again, echoes what comes on one stream, and tells what Preload started to
// play. An emulated processor has translated then what a start needs.
type Rehearse struct {
	Targets []string
	Names   []string
	Echo    uint64 // ticket of the stream
	Play    bool   // what waits can
}

// Adopt makes the command that Preload started in a guest the one that is to be run.
type Adopt struct {
	Workload []byte // what it reads: see initproto.Workload
	Stdout   string // as in Run, also for stderr
	Direct   uint64
}

// PreloadID names the command that Preload starts. No other has it.
const PreloadID = 1 << 62

// Message is what the agent sends.
type Message struct {
	initproto.Message
	Address string `json:",omitempty"` // answers Listen
	Used    *Used  `json:",omitempty"` // answers Usage
}

// DecodeMessage reads a packet of the agent.
func DecodeMessage(raw []byte) (m Message, err error) {
	err = json.Unmarshal(raw, &m)
	return m, err
}
