package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"lambent.dev/lambent/internal/drivers"
	"lambent.dev/lambent/internal/sandbox/gvisor/runsc"
	"lambent.dev/lambent/internal/sandbox/microvm/image"
)

// Drivers puts the drivers of this host together. It finds their programs by itself.
func Drivers(o drivers.Options) (*drivers.Set, error) {
	if runtime.GOOS == "linux" {
		var err error
		if o.Init, err = helper("lambent-init"); err != nil {
			return nil, err
		}
		if o.Agent, err = helper("lambent-agent"); err != nil {
			return nil, err
		}
		o.Runsc = runscPaths(filepath.Dir(o.Agent))
		o.Guests = guestFolders(filepath.Dir(o.Agent))
	}
	return drivers.New(o)
}

// runscPaths are where runsc is looked for: beside this program and its helpers, then where
// `lambent setup gvisor` puts it.
func runscPaths(beside string) []string {
	return []string{filepath.Join(beside, runsc.Name), filepath.Join(runsc.SystemDir, runsc.Name)}
}

// guestFolders are where what microVMs boot from is looked for, as runscPaths.
func guestFolders(beside string) []string {
	return []string{filepath.Join(beside, filepath.Base(image.SystemDir)), image.SystemDir}
}

// helper finds a program that is installed beside this one.
func helper(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	if self, err = filepath.EvalSymlinks(self); err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	path := filepath.Join(filepath.Dir(self), name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("finding %s: it must stand beside %s; `make build` puts both there: %w", name, self, err)
	}
	return path, nil
}
