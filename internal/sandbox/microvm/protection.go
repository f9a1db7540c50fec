package microvm

// Protection names one thing that stands between a function and the host. The attack suite
// takes each away in turn to see that its attacks would succeed without it; nothing else may.
//
// The machine itself cannot be taken away: it is the tier. Nor can what a guest lacks whatever it
// is told: the host's files, processes, network and names.
type Protection string

// The protections of a microvm sandbox that can be taken away. The names are light's where it
// has the same.
const (
	PrivateDevices Protection = "private-devices"
	MaskedProc     Protection = "masked-proc"
	NoCapabilities Protection = "no-capabilities" // functions hold none and are not root
	NoNewPrivs     Protection = "no-new-privileges"
	NoSUID         Protection = "nosuid"  // set-id bits have no effect
	Seccomp        Protection = "seccomp" // functions may ask the guest's kernel only for what is on a list
	MemoryLimit    Protection = "memory-limit"
	PidsLimit      Protection = "pids-limit"
	TmpLimit       Protection = "tmp-limit"
)

// Protections lists them.
func Protections() []Protection {
	return []Protection{MaskedProc, NoCapabilities, NoNewPrivs, NoSUID, Seccomp, MemoryLimit, PidsLimit, TmpLimit}
}
