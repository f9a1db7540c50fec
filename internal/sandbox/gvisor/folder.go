package gvisor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mountinfoEscapes are how the kernel writes paths in its list of mounts (proc_pid_mountinfo(5)).
var mountinfoEscapes = strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`)

// removeTree removes a folder, unless something is mounted in it in this mount namespace: that
// cannot be, and removing through a mount would delete what is mounted.
func removeTree(dir string) error {
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

// folders makes folders that only root can enter.
func folders(paths ...string) error {
	for _, path := range paths {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// layout names the paths of a box's folder.
type layout string

func (l layout) at(name string) string { return filepath.Join(string(l), name) }
func (l layout) share() string         { return l.at("box") }                      // shown inside as agentproto.Folder
func (l layout) door() string          { return l.at("box/door") }                 // pipes and the socket
func (l layout) code(n int) string     { return l.at(fmt.Sprint("box/code/", n)) } // a mount each
func (l layout) tmp() string           { return l.at("tmp") }
func (l layout) state() string         { return l.at("state") } // runsc's
