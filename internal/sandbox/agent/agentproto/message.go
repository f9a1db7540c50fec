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
}

// Setup finishes the box and fixes what Bind will take away. The zero value of every switch
// is the safe one.
type Setup struct {
	UID, GID   int   // of commands
	ShmSize    int64 // bytes of /dev/shm
	Privileged bool  // commands are root and hold the agent's capabilities
	Devices    bool  // leave devices in /dev that no function needs
}

// Bind shows what the host mounted in Code at the targets.
type Bind struct {
	Targets []string // absolute
	Names   []string // of the folders in Code, one for each target
	Pids    int      // processes and threads of all commands together; 0 = no limit
}

// Run starts a command. Stdout and Stderr are names of pipes in the door.
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

// Message is what the agent sends.
type Message struct {
	initproto.Message
	Address string `json:",omitempty"` // answers Listen
}

// DecodeMessage reads a packet of the agent.
func DecodeMessage(raw []byte) (m Message, err error) {
	err = json.Unmarshal(raw, &m)
	return m, err
}
