package daemon

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// hostMemory returns the host's memory in bytes, 0 if it is not known.
func hostMemory() uint64 {
	size, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0
	}
	return size
}

// startTime returns when a process started, in microseconds since 1970.
func startTime(pid int) (string, error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return "", err
	}
	began := info.Proc.P_starttime
	return strconv.FormatInt(began.Nano()/1000, 10), nil
}
