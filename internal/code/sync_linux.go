package code

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// syncAll writes the file system of fd to disk: one call for all files of a folder.
func syncAll(fd int) error {
	if err := unix.Syncfs(fd); err != nil {
		return fmt.Errorf("syncfs: %w", err)
	}
	return nil
}
