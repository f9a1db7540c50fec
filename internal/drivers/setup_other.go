//go:build !linux

package drivers

import (
	"context"
	"errors"
	"io"
)

// InstallFirecracker says that this host can have no Firecracker.
func InstallFirecracker(context.Context, string, string, io.Writer) error {
	return errors.New("microVMs need Linux")
}

// FirecrackerReleases is where nothing is fetched from.
const FirecrackerReleases = ""
