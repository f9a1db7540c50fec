package process

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const fionread = unix.TIOCINQ

// attributes gives a command its own session and ends it with the daemon.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// candidates lists the processes of the host, without zombies (proc_pid_stat(5)).
func candidates() ([]candidate, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var all []candidate
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if s, ok := readStat(pid); ok && s.state != "Z" && s.state != "X" {
			all = append(all, candidate{pid: pid, session: s.session})
		}
	}
	return all, nil
}

// stat is what is needed of /proc/PID/stat.
type stat struct {
	state   string
	session int
	cpu     time.Duration // user and system
	memory  int64         // resident, bytes
}

// stopped says whether all threads of a process are stopped or it has ended.
func stopped(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid)) // the pattern is good
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // it has ended
		}
		if s, ok := parseStat(text); ok && s.state != "T" && s.state != "t" {
			return false
		}
	}
	return true
}

// hideDescriptors keeps what the daemon itself inherited, from a shell for instance, out
// of commands. Go marks all that it opens.
func hideDescriptors() error {
	err := unix.CloseRange(firstHidden, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
	return os.NewSyscallError("close_range", err)
}

// clockTick is the unit of CPU times in /proc: USER_HZ is 100 on all of Go's Linux ports.
const clockTick = 10 * time.Millisecond

func readStat(pid int) (stat, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, false
	}
	return parseStat(text)
}

// parseStat reads the fields after the name, which may hold blanks and parentheses.
func parseStat(text []byte) (stat, bool) {
	end := bytes.LastIndexByte(text, ')')
	fields := strings.Fields(string(text[end+1:]))
	if end < 0 || len(fields) < 22 {
		return stat{}, false
	}
	number := func(i int) int64 { n, _ := strconv.ParseInt(fields[i], 10, 64); return n } // 0 for what is no number
	return stat{
		state:   fields[0],
		session: int(number(3)),
		cpu:     time.Duration(number(11)+number(12)) * clockTick,
		memory:  number(21) * int64(os.Getpagesize()),
	}, true
}

// environment returns what a process was started with; nil when it cannot be read.
func environment(pid int) []byte {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return nil
	}
	return env
}

// live returns the CPU time and the memory of processes that have not ended.
func live(all []candidate) (sum counters) {
	for _, c := range all {
		if s, ok := readStat(c.pid); ok {
			sum.cpu += s.cpu
			sum.memory += s.memory
		}
	}
	return sum
}

// maxRSSUnit is the unit of rusage's ru_maxrss (getrusage(2)).
const maxRSSUnit = 1 << 10
