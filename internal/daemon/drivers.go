package daemon

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"lambent.dev/lambent/internal/drivers"
)

// Drivers puts the drivers of this host together. dir is for their own state, owner names
// what they make on the host.
func Drivers(dir, owner string, allowProcess bool, log *slog.Logger) (*drivers.Set, error) {
	var init string
	if runtime.GOOS == "linux" {
		var err error
		if init, err = helper("lambent-init"); err != nil {
			return nil, err
		}
	}
	return drivers.New(drivers.Options{Init: init, Owner: owner, Dir: dir, AllowProcess: allowProcess, Log: log})
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
