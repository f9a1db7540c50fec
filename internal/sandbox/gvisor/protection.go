package gvisor

// Protection names one thing that stands between a function and the host. The attack suite
// takes each away in turn to see that its attacks would succeed without it; nothing else may.
//
// The kernel in user space itself cannot be taken away: it is the tier. Nor can what it keeps
// to itself whatever it is told: its own processes, IPC, host name, network, /proc.
type Protection string

// The protections of a gvisor sandbox that can be taken away. The names are light's where it
// has the same.
const (
	PrivateRoot    Protection = "private-root"    // only the chosen folders of the host are there
	ReadOnlyRoot   Protection = "read-only-root"  // and cannot be written
	PrivateDevices Protection = "private-devices" // null, zero, full, random, urandom, tty
	NoCapabilities Protection = "no-capabilities" // functions hold none and are not root
	NoNewPrivs     Protection = "no-new-privileges"
	NoSUID         Protection = "nosuid" // set-id bits have no effect
	MemoryLimit    Protection = "memory-limit"
	PidsLimit      Protection = "pids-limit"
	TmpLimit       Protection = "tmp-limit"
)

// Protections lists them.
func Protections() []Protection {
	return []Protection{PrivateRoot, ReadOnlyRoot, PrivateDevices, NoCapabilities, NoNewPrivs, NoSUID, MemoryLimit, PidsLimit, TmpLimit}
}
