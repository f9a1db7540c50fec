package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// programs are Debian's packages that the tier needs on the host.
var programs = map[string][]string{
	"amd64": {"qemu-system-x86", "seabios", "erofs-utils"},
	"arm64": {"qemu-system-arm", "erofs-utils"},
}

// kernels are Debian's packages that depend on its newest kernel for clouds.
var kernels = map[string]string{"amd64": "linux-image-cloud-amd64", "arm64": "linux-image-cloud-arm64"}

// Install makes a set of images in a folder, which it makes where it is missing, and says on
// progress what it does. What is there and would be made the same stays. It installs QEMU and
// mkfs.erofs where they are missing.
func Install(ctx context.Context, dir string, progress io.Writer) error {
	if kernels[runtime.GOARCH] == "" {
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
	return writeKey(dir, progress)
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
	_, err := os.Stat(QEMU)
	return err == nil
}

// QEMU is Debian's program.
const QEMU = "/usr/bin/qemu-system-x86_64"

// installKernel unpacks the kernel and the modules of its package.
func installKernel(ctx context.Context, dir string, progress io.Writer) (err error) {
	name, err := newestKernel(ctx)
	if err != nil {
		return err
	}
	stamp, taken := filepath.Join(dir, "kernel-package"), name+taking
	if was, err := os.ReadFile(stamp); err == nil && string(was) == taken {
		fmt.Fprintf(progress, "%s is there: %s\n", filepath.Join(dir, kernelName), name)
		return nil
	}
	fmt.Fprintf(progress, "fetching %s\n", name)
	temporary, err := os.MkdirTemp(dir, "unfinished-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	if err := unpackKernel(ctx, temporary, name); err != nil {
		return err
	}
	if err := takeKernel(temporary, dir); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(taken), 0o644)
}

// taking changes when more is taken out of the same package.
const taking = " 2"

// newestKernel names the package and version that the archive has now.
func newestKernel(ctx context.Context) (string, error) {
	meta := kernels[runtime.GOARCH]
	out, err := output(ctx, "apt-cache", "depends", meta)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(out)) {
		if name, is := strings.CutPrefix(strings.TrimSpace(line), "Depends: "); is {
			return name, nil
		}
	}
	return "", fmt.Errorf("apt knows no package %s: run apt-get update", meta)
}

func unpackKernel(ctx context.Context, dir, name string) error {
	if _, err := output(ctx, "sh", "-c", `cd "$1" && apt-get download -qq "$2" && dpkg-deb -x ./*.deb tree`, "sh", dir, name); err != nil {
		return err
	}
	return nil
}

// takeKernel moves what a guest needs out of an unpacked package.
func takeKernel(from, dir string) error {
	images, err := filepath.Glob(filepath.Join(from, "tree/boot/vmlinuz-*"))
	if err != nil || len(images) != 1 {
		return fmt.Errorf("the package has %d kernels, %w", len(images), err)
	}
	if err := os.Rename(images[0], filepath.Join(dir, kernelName)); err != nil {
		return err
	}
	into := filepath.Join(dir, modulesName)
	if err := errors.Join(os.RemoveAll(into), os.MkdirAll(into, 0o755)); err != nil {
		return err
	}
	return takeModules(from, into)
}

func takeModules(from, into string) error {
	for _, name := range slices.Concat(modules, FirecrackerModules()) {
		found, err := output(context.Background(), "find", filepath.Join(from, "tree"), "-name", name+".ko")
		if err != nil {
			return err
		}
		if path := strings.TrimSpace(string(found)); path != "" {
			if err := os.Rename(path, filepath.Join(into, name+".ko")); err != nil {
				return err
			}
		}
	}
	return nil
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
const recipe = "2\n"

func writeKey(dir string, progress io.Writer) error {
	sum := sha256.New()
	for _, name := range []string{kernelName, baseName} {
		digest, err := Digest(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		fmt.Fprintln(sum, name, digest)
	}
	key := hex.EncodeToString(sum.Sum(nil)[:16])
	fmt.Fprintf(progress, "%s is ready\n", dir)
	return os.WriteFile(filepath.Join(dir, keyName), []byte(key+"\n"), 0o644)
}
