package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Mkfs is the program that makes EROFS images, of Debian's package erofs-utils.
const Mkfs = "mkfs.erofs"

// findMkfs looks where Debian puts it, too: a service's PATH may lack that.
func findMkfs() (string, error) {
	for _, name := range []string{Mkfs, "/usr/bin/" + Mkfs, "/usr/sbin/" + Mkfs} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New(Mkfs + " not found: run `lambent setup microvm`, or install erofs-utils")
}

// make makes an image of a folder, with the owners, times and name of nobody. It appears under
// its path when it is whole.
func makeImage(ctx context.Context, path, folder string, args ...string) (err error) {
	mkfs, err := findMkfs()
	if err != nil {
		return err
	}
	made, err := os.CreateTemp(filepath.Dir(path), "unfinished-")
	if err != nil {
		return err
	}
	_ = made.Close() // it was only named
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(made.Name()))
		}
	}()
	args = append(args, "--quiet", "--all-root", "-T0", "-U00000000-0000-0000-0000-000000000000", made.Name(), folder)
	if out, err := exec.CommandContext(ctx, mkfs, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s of %s: %w: %s", Mkfs, folder, err, bytes.TrimSpace(out))
	}
	return os.Rename(made.Name(), path)
}
