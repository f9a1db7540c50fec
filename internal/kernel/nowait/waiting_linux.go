//go:build linux && race

package nowait

import "golang.org/x/sys/unix"

// Waiting says how many bytes can be read.
func Waiting(fd int) (int, error) { return unix.IoctlGetInt(fd, unix.TIOCINQ) }
