package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// kernel is what guests of an architecture run on: Debian's for clouds.
type kernel struct {
	pinned  string // the package and version that Lambent is tested with
	content string // the SHA-256 of its kernel; "" = not known
	newest  string // the package that depends on the newest of the release that the host is
}

var kernels = map[string]kernel{
	"amd64": {"linux-image-6.1.0-56-cloud-amd64=6.1.192-2", "51349501a3d1ff83836437d2b365fd2d57f2feb8642d315e5181dec23d4c3275", "linux-image-cloud-amd64"},
	"arm64": {"linux-image-6.1.0-56-cloud-arm64=6.1.192-2", "", "linux-image-cloud-arm64"},
}

// installKernel unpacks the kernel and the modules of its package. That the package is Debian's
// apt checks, by what is signed of the archive.
func installKernel(ctx context.Context, s *source, dir string, progress io.Writer) (err error) {
	k := kernels[s.arch]
	name, err := k.choose(ctx, s, progress)
	if err != nil {
		return err
	}
	stamp, content := filepath.Join(dir, "kernel-package"), name+"\n"+strings.Join(slices.Concat(modules, networkModules, FirecrackerModules()), " ")+"\n"
	if was, err := os.ReadFile(stamp); err == nil && string(was) == content {
		fmt.Fprintf(progress, "%s is there: %s\n", filepath.Join(dir, kernelName), name)
		return k.check(dir, name)
	}
	fmt.Fprintf(progress, "fetching %s\n", name)
	temporary, err := os.MkdirTemp(dir, "unfinished-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	if err := unpackKernel(ctx, s, temporary, name); err != nil {
		return err
	}
	if err := takeKernel(temporary, dir); err != nil {
		return err
	}
	if err := k.check(dir, name); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(content), 0o644)
}

// choose names a package, and its version where that is pinned. What is not what Lambent is tested
// with is said aloud: security fixes leave the archive no other version after some time.
func (k kernel) choose(ctx context.Context, s *source, progress io.Writer) (string, error) {
	pinned, version, _ := strings.Cut(k.pinned, "=")
	if out, err := s.run(ctx, "apt-cache", "madison", pinned); err == nil && hasVersion(string(out), version) {
		return k.pinned, nil
	}
	name, err := newestKernel(ctx, s, k.newest)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(progress, "this archive does not have %s, with which Lambent is tested: taking the newest it has, %s\n", k.pinned, name)
	return name, nil
}

// hasVersion reads lines of "PACKAGE | VERSION | ARCHIVE" (apt-cache(8), madison).
func hasVersion(madison, version string) bool {
	for line := range strings.Lines(madison) {
		if field := strings.Split(line, "|"); len(field) == 3 && strings.TrimSpace(field[1]) == version {
			return true
		}
	}
	return false
}

// newestKernel names the package and version that the archive has now.
func newestKernel(ctx context.Context, s *source, meta string) (string, error) {
	out, err := s.run(ctx, "apt-cache", "depends", meta)
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

// check holds the pinned kernel to its content.
func (k kernel) check(dir, name string) error {
	if name != k.pinned || k.content == "" {
		return nil
	}
	got, err := Digest(filepath.Join(dir, kernelName))
	if err != nil {
		return err
	}
	if got != k.content {
		return fmt.Errorf("the kernel in %s has the SHA-256 %s, that of %s is %s: remove the folder and run `lambent setup microvm` again", dir, got, name, k.content)
	}
	return nil
}

func unpackKernel(ctx context.Context, s *source, dir, name string) error {
	const script = `cd "$1" && name=$2 && shift 2 && apt-get "$@" download -qq "$name" && dpkg-deb -x ./*.deb tree`
	_, err := output(ctx, "sh", append([]string{"-c", script, "sh", dir, name}, s.options...)...)
	return err
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
	for _, name := range slices.Concat(modules, networkModules, FirecrackerModules()) {
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
