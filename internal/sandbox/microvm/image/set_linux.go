package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// SystemDir is where `lambent setup microvm` puts images for all of a machine.
const SystemDir = "/usr/local/lib/lambent/microvm"

// Set is what guests boot from.
type Set struct {
	Kernel  string // path of the kernel
	Modules string // folder of its modules
	Base    string // path of the base's image
	Key     string // changes with any of them
}

// Names in a folder of images. The file of the key is written last.
const (
	kernelName   = "vmlinuz"
	modulesName  = "modules"
	baseName     = "base.erofs"
	sumsName     = "SHA256SUMS"
	packagesName = "base-packages"
	keyName      = "key"
)

// Find returns the first whole set of images.
func Find(dirs []string) (Set, error) {
	failed := []error{errors.New("no kernel and images for guests; looked in")}
	for _, dir := range dirs {
		key, err := os.ReadFile(filepath.Join(dir, keyName))
		if err == nil {
			return setIn(dir, strings.TrimSpace(string(key))), nil
		}
		failed = append(failed, fmt.Errorf("%s: %w", dir, err))
	}
	return Set{}, errors.Join(failed...)
}

func setIn(dir, key string) Set {
	return Set{
		Kernel: filepath.Join(dir, kernelName), Modules: filepath.Join(dir, modulesName),
		Base: filepath.Join(dir, baseName), Key: key,
	}
}
