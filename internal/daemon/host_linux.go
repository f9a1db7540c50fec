package daemon

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// hostMemory returns the host's memory in bytes, 0 if it is not known.
func hostMemory() uint64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0
	}
	return uint64(info.Totalram) * uint64(info.Unit)
}

// startTime reads field 22 of /proc/PID/stat, see proc(5). The second field is the program's
// name in parentheses and may itself hold anything, so fields are counted after the last one.
func startTime(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	after := stat[strings.LastIndexByte(string(stat), ')')+1:]
	fields := strings.Fields(string(after))
	if len(fields) > 0 && (fields[0] == "Z" || fields[0] == "X") {
		return "", fmt.Errorf("process %d has ended", pid)
	}
	const startTimeField = 22 - 3 // counted from the third field
	if len(fields) <= startTimeField {
		return "", fmt.Errorf("reading /proc/%d/stat: %d fields", pid, len(fields))
	}
	return fields[startTimeField], nil
}
