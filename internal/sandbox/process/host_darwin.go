package process

import (
	"bytes"
	"encoding/binary"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

const fionread = 0x4004667f // FIONREAD of <sys/filio.h>

// attributes gives a command its own session. Nothing ends it with the daemon: Reap does.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// Values of p_stat, of <sys/proc.h>.
const (
	stop   = 4 // SSTOP
	zombie = 5 // SZOMB
)

// stopped says whether a process is stopped or has ended.
func stopped(pid int) bool {
	p, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	return err != nil || p.Proc.P_stat == stop || p.Proc.P_stat == zombie
}

// hideDescriptors keeps what the daemon itself inherited, from a shell for instance, out
// of commands. Go marks all that it opens.
func hideDescriptors() error {
	open, err := os.ReadDir("/dev/fd")
	if err != nil {
		return err
	}
	for _, e := range open {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd >= firstHidden {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

func candidates() ([]candidate, error) {
	list, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return nil, err
	}
	var all []candidate
	for _, p := range list {
		if p.Proc.P_stat == zombie {
			continue
		}
		pid := int(p.Proc.P_pid)
		session, _ := unix.Getsid(pid) // 0 when it has ended
		all = append(all, candidate{pid: pid, session: session})
	}
	return all, nil
}

// environment returns the strings of KERN_PROCARGS2 after the program's arguments:
// argc, path, zeros, argc arguments, environment.
func environment(pid int) []byte {
	raw, err := unix.SysctlRaw("kern.procargs2", pid)
	if err != nil || len(raw) < 4 {
		return nil
	}
	argc := int(binary.NativeEndian.Uint32(raw))
	_, rest, _ := bytes.Cut(raw[4:], []byte{0})
	rest = bytes.TrimLeft(rest, "\x00")
	for ; argc > 0 && len(rest) > 0; argc-- {
		_, rest, _ = bytes.Cut(rest, []byte{0})
	}
	return rest
}

// live: macOS tells these figures to the parent at the end only.
func live([]candidate) counters { return counters{} }

// maxRSSUnit is the unit of rusage's ru_maxrss (getrusage(2)).
const maxRSSUnit = 1
