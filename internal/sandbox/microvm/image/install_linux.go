package image

import (
	"context"
	"errors"
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

// Architectures are those that sets of images are made for, as Go names them.
func Architectures() []string { return []string{"amd64", "arm64"} }

// Install makes a set of images in a folder, which it makes where it is missing, and says on
// progress what it does. What is there and would be made the same stays. It installs QEMU and
// mkfs.erofs where they are missing. A set for another architecture than this machine's is made of
// Debian's packages for that one, and is for another machine.
func Install(ctx context.Context, arch, dir string, progress io.Writer) (err error) {
	if kernels[arch].newest == "" {
		return fmt.Errorf("guests are not known on %s: images are made for %s", arch, strings.Join(Architectures(), " and "))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := installPrograms(ctx, progress); err != nil {
		return fmt.Errorf("installing QEMU: %w", err)
	}
	s, err := openSource(ctx, arch, dir)
	if err != nil {
		return fmt.Errorf("asking for packages of %s: %w", arch, err)
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := installKernel(ctx, s, dir, progress); err != nil {
		return fmt.Errorf("fetching a kernel: %w", err)
	}
	if err := installBase(ctx, s, dir, progress); err != nil {
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
func installBase(ctx context.Context, s *source, dir string, progress io.Writer) error {
	if s.foreign() {
		fmt.Fprintf(progress, "making %s of packages for %s\n", filepath.Join(dir, baseName), s.arch)
		return installForeignBase(ctx, s, dir)
	}
	content, err := baseContent(ctx)
	if err != nil {
		return err
	}
	path, stamp := filepath.Join(dir, baseName), filepath.Join(dir, packagesName)
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
