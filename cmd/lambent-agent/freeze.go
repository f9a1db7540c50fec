package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// freezeTries bounds how often freeze stops what was started meanwhile.
const freezeTries = 100

// freeze stops all processes but this one. The host's freezer would stop gVisor's own threads,
// too, which loses what they do for one another at that moment: processes die of it.
func freeze() error {
	for range freezeTries {
		if err := signalAll(unix.SIGSTOP); err != nil {
			return err
		}
		if still, err := allStopped(); still || err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("processes go on after %d signals to stop", freezeTries)
}

func thaw() error { return signalAll(unix.SIGCONT) }

func signalAll(sig unix.Signal) error {
	if err := unix.Kill(-1, sig); err != nil && !errors.Is(err, unix.ESRCH) {
		return os.NewSyscallError("kill", err)
	}
	return nil
}

// allStopped looks at the third field of each process's stat, which comes after the last
// bracket: a process names itself (proc_pid_stat(5)).
func allStopped() (bool, error) {
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return false, err
	}
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil || path == "/proc/1/stat" {
			continue // it ended, or it is this one
		}
		at := strings.LastIndex(string(text), ") ")
		if at < 0 || !strings.Contains("TZX", string(text[at+2:at+3])) {
			return false, nil
		}
	}
	return true, nil
}
