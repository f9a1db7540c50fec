//go:build !linux

package image

import (
	"context"
	"errors"
	"io"
)

// SystemDir is where Linux hosts have what microVMs boot from.
const SystemDir = "/usr/local/lib/lambent/microvm"

// Architectures are none.
func Architectures() []string { return nil }

// Install says that this host can have no microVMs.
func Install(context.Context, string, string, io.Writer) error {
	return errors.New("microVMs need Linux")
}
