package daemon

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// NewOwner names this process for as long as the host is up: its pid and the time at which
// it started. What belongs to a server on the host carries it, so
// that the next one can tell what a dead one left behind.
func NewOwner() string {
	pid := os.Getpid()
	started, err := startTime(pid)
	if err != nil {
		started = "0"
	}
	return fmt.Sprintf("%d-%s", pid, started)
}

// Alive reports whether the process that NewOwner named still runs. A name of another kind
// is somebody else's, whose life cannot be judged from here: it counts as alive.
func Alive(owner string) bool {
	first, started, _ := strings.Cut(owner, "-")
	pid, err := strconv.Atoi(first)
	if err != nil || pid <= 0 || !digits(started) {
		return true
	}
	now, err := startTime(pid)
	return err == nil && now == started
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
