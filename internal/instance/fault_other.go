//go:build !linux

package instance

import "syscall"

// badInterpreter has no error of its own on other systems.
func badInterpreter() []syscall.Errno { return nil }
