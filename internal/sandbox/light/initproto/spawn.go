package initproto

// SpawnWord makes the init's program a spawner: a small process that starts others in
// namespaces. The daemon does not do it itself, because a process that makes a user
// namespace is copied first, with all its memory.
//
// The conversation runs over the socket at ControlFD, one request at a time:
//
//	driver          descriptors                                    spawner
//	Home ───── doors home ───────────────────────────────────────▶ knows the way back
//	Spawn ──── root [, network] [, group], doors, files ─────────▶ starts a program
//	      ◀─── pidfd ────────────────────────────────────── Spawned  or why not
//
// root is a mount namespace, network a network namespace. doors are the files of control
// groups on v1 by which a thread enters them ("tasks"), group is the folder of one on v2.
// files become the program's 0, 1, 2 … The program is the spawner's child, which reaps it
// and does not look how it ended: whoever needs to know that it did has the pidfd. The
// program ends with the spawner, if it asks the kernel for a signal (PR_SET_PDEATHSIG).
const SpawnWord = "spawn"

// MaxSpawnFDs bounds the descriptors beside a request.
const MaxSpawnFDs = 32

// Spawn starts a program.
type Spawn struct {
	Path string
	Args []string // with the program's name
	Env  []string

	Flags   uintptr // of clone(2)
	FirstID int     // of the range that a new user namespace maps to 0
	IDs     int     // length of that range; 0 = no user namespace is made
	Owner   int     // user id, on the host, of who makes that namespace; 0 = root

	Network bool
	Group   bool
	Doors   int
	Files   int
}

// Spawned answers a Spawn; a pidfd comes with it when Error is "".
type Spawned struct{ Error string }
