package stage

import (
	"fmt"
	"os"
	"strings"
)

// mountinfoEscapes are how the kernel writes paths in its list of mounts (proc_pid_mountinfo(5)).
var mountinfoEscapes = strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`)

// RemoveTree removes a folder, unless something is mounted in it in this mount namespace: that
// cannot be, and removing through a mount would delete what is mounted.
func RemoveTree(dir string) error {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	point := mountinfoEscapes.Replace(dir)
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		if len(fields) > 4 && (fields[4] == point || strings.HasPrefix(fields[4], point+"/")) {
			return fmt.Errorf("removing %s: something is mounted at %s: unmount it first", dir, fields[4])
		}
	}
	return os.RemoveAll(dir)
}

// Folders makes folders that only root can enter.
func Folders(paths ...string) error {
	for _, path := range paths {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return err
		}
	}
	return nil
}
