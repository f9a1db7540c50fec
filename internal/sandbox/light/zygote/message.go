package zygote

import "lambent.dev/lambent/internal/kernel/landlock"

// ControlFD is the zygote's end of the conversation.
const ControlFD = 3

// Ready is written before the workload to where a child waits for that: its box is finished.
const Ready = "+"

// maxPacket bounds a packet in bytes; the filter is the largest part.
const maxPacket = 64 << 10

// Setup says what rights a child keeps.
type Setup struct {
	UID, GID int
	Hostname string           // of boxes; the zygote has a name of its own (CLONE_NEWUTS)
	Limits   map[int]uint64   // by resource (setrlimit(2)): the zygote's own, too
	Filter   []byte           // seccomp program that still allows to enter a box: the zygote's own, too
	Final    []byte           // seccomp program of children besides
	Handled  uint64           // rights to write that are lost everywhere but at Places
	Places   []landlock.Place // none = the kernel has no Landlock
}

type fork struct {
	ID       uint64 `json:"id"`
	Rehearse bool   `json:"rehearse"`
}

type signal struct {
	ID     uint64 `json:"id"`
	Signal int    `json:"signal"`
}

// Ended tells of a child, by the id of its Fork.
type Ended struct {
	ID    uint64 `json:"id"`
	Error string `json:"error"` // why there is no child; "" = there was one
	Exit  struct {
		Code   int `json:"code"`
		Signal int `json:"signal"`
	} `json:"exit"`
}
