package volume

import (
	"fmt"
	"os"
)

// Check is one thing that volumes need.
type Check struct {
	Name   string // "loop devices"
	Found  string // "/dev/loop-control"
	OK     bool
	Needed string // what would be good; "" when OK
	Fix    string // what a person can do; "" when OK
}

// Checks says what this host has. Volumes need all of it.
func (m *Maker) Checks() []Check {
	return []Check{checkLoop(), checkMkfs(), m.checkSpace()}
}

func checkLoop() Check {
	f, err := os.OpenFile(loopControl, os.O_RDWR, 0)
	if err != nil {
		return Check{Name: "loop devices", Found: err.Error(), Needed: loopControl, Fix: "run as root and load the module: modprobe loop"}
	}
	_ = f.Close()
	return Check{Name: "loop devices", Found: loopControl, OK: true}
}

func checkMkfs() Check {
	path, err := findMkfs()
	if err != nil {
		return Check{Name: "mkfs.ext4", Found: "not found", Needed: "in PATH or /usr/sbin", Fix: "install it: apt-get install e2fsprogs"}
	}
	return Check{Name: "mkfs.ext4", Found: path, OK: true}
}

func (m *Maker) checkSpace() Check {
	free, err := freeSpace(m.dir)
	if err != nil {
		return Check{Name: "free disk for /tmp", Found: err.Error(), Needed: enoughSpace(), Fix: "use a folder on a disk"}
	}
	check := Check{Name: "free disk for /tmp", Found: fmt.Sprintf("%d MiB at %s", free>>20, m.dir), OK: free >= lowSpace}
	if !check.OK {
		check.Needed, check.Fix = enoughSpace(), "free some there"
	}
	return check
}

func enoughSpace() string { return fmt.Sprintf("%d MiB or more", lowSpace>>20) }
