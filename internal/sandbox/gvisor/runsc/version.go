package runsc

import (
	"debug/buildinfo"
	"fmt"
	"os"
)

// The version that is built: the newest of the module's branch "go" on 2026-11-25, and what
// the checksum database says of it.
const (
	Module  = "gvisor.dev/gvisor"
	Version = "v0.0.0-20260905035102-160fafc42237"
	Sum     = "h1:AU5+CtCvnBnxdZRNcZt1NfSLqgkXZVT3N/u6u1aXg44="
)

// command is the package of the program.
const command = Module + "/runsc"

// Name is the program's file.
const Name = "runsc"

// SystemDir is where it is installed for all of a machine.
const SystemDir = "/usr/local/lib/lambent"

// Check says what is wrong with the program at a path; nil = it is ours, at Version.
func Check(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("%s has mode %s", path, info.Mode())
	}
	built, err := buildinfo.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%s was not built from the Go module %s: %w", path, Module, err)
	}
	if built.Path != command || built.Main.Version != Version {
		return fmt.Errorf("%s is %s at %s, want %s", path, built.Path, built.Main.Version, Version)
	}
	return nil
}
