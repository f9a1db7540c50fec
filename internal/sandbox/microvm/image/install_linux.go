package image

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// programs are Debian's packages that the tier needs on the host.
var programs = map[string][]string{
	"amd64": {"qemu-system-x86", "seabios", "erofs-utils"},
	"arm64": {"qemu-system-arm", "erofs-utils"},
}

// Install makes a set of images in a folder, which it makes where it is missing, and says on
// progress what it does. What is there and would be made the same stays. It installs QEMU and
// mkfs.erofs where they are missing.
func Install(ctx context.Context, dir string, progress io.Writer) error {
	if kernels[runtime.GOARCH].newest == "" {
		return fmt.Errorf("guests are not known on %s", runtime.GOARCH)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := installPrograms(ctx, progress); err != nil {
		return fmt.Errorf("installing QEMU: %w", err)
	}
	if err := installKernel(ctx, dir, progress); err != nil {
		return fmt.Errorf("fetching a kernel: %w", err)
	}
	if err := installBase(ctx, dir, progress); err != nil {
		return fmt.Errorf("making the base: %w", err)
	}
	return record(dir, progress)
}

func installPrograms(ctx context.Context, progress io.Writer) error {
	if _, err := findMkfs(); err == nil && haveQEMU() {
		return nil
	}
	names := programs[runtime.GOARCH]
	fmt.Fprintf(progress, "installing %s\n", strings.Join(names, ", "))
	_, err := output(ctx, "apt-get", append([]string{"install", "-y", "-qq", "--no-install-recommends"}, names...)...)
	return err
}

func haveQEMU() bool {
	_, err := os.Stat(QEMU(runtime.GOARCH))
	return err == nil
}

// QEMU is the path of Debian's program for guests of an architecture, as Go names it.
func QEMU(arch string) string {
	if arch == "arm64" {
		return "/usr/bin/qemu-system-aarch64"
	}
	return "/usr/bin/qemu-system-x86_64"
}

// installBase makes the base's image unless it was made of the same packages.
func installBase(ctx context.Context, dir string, progress io.Writer) error {
	content, err := baseContent(ctx)
	if err != nil {
		return err
	}
	path, stamp := filepath.Join(dir, baseName), filepath.Join(dir, "base-packages")
	if was, err := os.ReadFile(stamp); err == nil && string(was) == content {
		fmt.Fprintf(progress, "%s is there\n", path)
		return nil
	}
	fmt.Fprintf(progress, "making %s of this host's packages\n", path)
	if err := WriteBase(ctx, path); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(content), 0o644)
}

// baseContent says of what the base is made: packages with their versions.
func baseContent(ctx context.Context) (string, error) {
	names, err := closure(ctx)
	if err != nil {
		return "", err
	}
	out, err := output(ctx, "dpkg-query", append([]string{"--show", "--showformat", "${binary:Package} ${Version}\n"}, names...)...)
	return recipe + string(out), err
}

// recipe changes when a base of the same packages is made otherwise.
const recipe = "3\n"
