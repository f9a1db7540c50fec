package initproto

import "syscall"

// Path is the init's program, inside.
const Path = "/.lambent/init"

// ControlFD is the init's end of the conversation.
const ControlFD = 3

// StreamFD is where a command run with a stream channel finds it.
const StreamFD = 3

// Limits of one packet. A packet must fit into the socket's send buffer
// (net.core.wmem_default, 208 KiB with the kernel's own overhead).
const (
	MaxPacket      = 128 << 10 // bytes
	MaxDescriptors = 16
)

// Request is what the driver sends: exactly one of the pointers is set.
type Request struct {
	Seq    uint64
	Setup  *Setup  `json:",omitempty"`
	Attach *Attach `json:",omitempty"`
	Bind   *Bind   `json:",omitempty"`
	Run    *Run    `json:",omitempty"`
	Signal *Signal `json:",omitempty"`
	Reset  *Reset  `json:",omitempty"`
}

// Setup finishes the box and fixes what Bind will take away. The zero value of every
// switch is the safe one.
type Setup struct {
	Hostname string // "" leaves it
	ShmSize  int64  // bytes of /dev/shm; 0 leaves it
	UID, GID int    // of commands

	HostProc      bool     // do not mount a /proc of the own pid namespace
	Masked        []string // covered, where they exist: files
	MaskedFolders []string // and folders
	ReadOnly      []string // made read-only, where they exist
	Writable      []string // the only places to write to (Landlock); empty = no such rule
	Filter        []byte   // seccomp program from here on, which still allows what Bind does; empty = none
	Final         []byte   // seccomp program from Bind on, besides
	Dumpable      bool     // run commands as the init's own user, who may look into it
	Privileged    bool     // commands hold all capabilities of the user namespace
	NewPrivileges bool     // execve may give rights
	Descriptors   bool     // pass on what the daemon left open
	SetUID        bool     // set-id bits work on /dev/shm
}

// Attach attaches the descriptors beside it, in this order, before Bind.
type Attach struct {
	Targets []string // absolute
}

// Bind does as Attach, and drops the init's rights.
type Bind struct {
	Targets []string // absolute
}

// Run starts a command.
type Run struct {
	ID     uint64 // chosen by the driver; names the command from here on
	Path   string
	Args   []string // with the program's name
	Env    []string
	Dir    string
	Stream bool
	// Waits: it is started before Bind and waits for its workload, which comes through the
	// last descriptor. The init has rights then that a command must not have: it gives them
	// up by itself. Without a Path it waits to execute what comes: see Workload.
	Waits bool
}

// Give is the word that makes the init's program give up the rights that a function lacks,
// which stand as JSON of Rights in the descriptor that the next argument names. Then it
// executes the command that the others name, or awaits one if there are none.
const Give = "give-up-rights"

// Rights are what a command keeps. It is under Setup.Filter already.
type Rights struct {
	Writable []string // as in Setup
	Filter   []byte   // Setup.Final
}

// Signal sends a signal to a command's process.
type Signal struct {
	ID     uint64
	Number syscall.Signal
}

// Reset ends everything in the box but the init.
type Reset struct{}

// Message is what the init sends: a Reply, or an Exit when Exit is set.
type Message struct {
	Seq   uint64
	Error string        `json:",omitempty"` // "" = done
	Errno syscall.Errno `json:",omitempty"` // the cause, where it is one
	Exit  *Exit         `json:",omitempty"`
}

// Exit tells how a command ended.
type Exit struct {
	ID     uint64
	Code   int
	Signal syscall.Signal
}

// Failure turns an error of the init into a reply to seq.
func Failure(seq uint64, err error) Message {
	m := Message{Seq: seq, Error: err.Error()}
	m.Errno = errnoOf(err)
	return m
}

// Err is the error that a reply carries; nil when it carries none.
func (m Message) Err() error {
	if m.Error == "" {
		return nil
	}
	return &remoteError{text: m.Error, errno: m.Errno}
}
