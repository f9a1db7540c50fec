package firecracker

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Programs are Firecracker and its jailer, of one version.
type Programs struct {
	Firecracker, Jailer string // paths
	Version             string // "1.13.1"
}

// Oldest is the first minor version of major version 1 that is good enough: guests learn of devices
// by ACPI (1.8), and that their vsock connections ended when they were saved (1.10).
const Oldest = 10

// versionLimit bounds how long a program may take to say its version.
const versionLimit = 5 * time.Second

// Find looks for both programs, side by side, in folders in order.
func Find(ctx context.Context, dirs []string) (Programs, error) {
	for _, dir := range dirs {
		p := Programs{Firecracker: filepath.Join(dir, "firecracker"), Jailer: filepath.Join(dir, "jailer")}
		if _, err := os.Stat(p.Firecracker); err != nil {
			continue
		}
		return p.check(ctx)
	}
	return Programs{}, fmt.Errorf("no program firecracker in %s", strings.Join(dirs, ", "))
}

// check asks both for their versions.
func (p Programs) check(ctx context.Context) (Programs, error) {
	var err error
	if p.Version, err = versionOf(ctx, p.Firecracker); err != nil {
		return p, err
	}
	jailer, err := versionOf(ctx, p.Jailer)
	if err != nil {
		return p, err
	}
	if jailer != p.Version {
		return p, fmt.Errorf("%s is of version %s, and %s of %s: they must be of one", p.Firecracker, p.Version, p.Jailer, jailer)
	}
	if !recent(p.Version) {
		return p, fmt.Errorf("%s is of version %s: 1.%d or later is needed", p.Firecracker, p.Version, Oldest)
	}
	if slices.Contains(deaf(), p.Version) {
		return p, fmt.Errorf("%s is of version %s, which loses guests that are paused: take another", p.Firecracker, p.Version)
	}
	return p, nil
}

// versionOf runs a program that says "Firecracker v1.13.1", or "Jailer v1.13.1", first.
func versionOf(ctx context.Context, path string) (string, error) {
	ctx, stop := context.WithTimeoutCause(ctx, versionLimit, fmt.Errorf("it took more than %v", versionLimit))
	defer stop()
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("asking %s for its version: %w", path, err)
	}
	return parseVersion(path, string(out))
}

func parseVersion(path, said string) (string, error) {
	first, _, _ := strings.Cut(said, "\n")
	_, version, ok := strings.Cut(first, " v")
	if !ok {
		return "", fmt.Errorf("%s says no version: %.80q", path, first)
	}
	return strings.TrimSpace(version), nil
}

// deaf lists versions whose guests cannot be reached over vsock any more after they were restored
// (1.16.0) or paused (both): Firecracker's issue 6074, pull request 6100.
func deaf() []string { return []string{"1.16.0", "1.16.1"} }

// Older says whether the programs are of an earlier version.
func (p Programs) Older(version string) bool {
	return slices.Compare(numbers(p.Version), numbers(version)) < 0
}

func recent(version string) bool { return slices.Compare(numbers(version), []int{1, Oldest}) >= 0 }

// numbers are those of a version, none where it has others. Development versions count as what
// they will be.
func numbers(version string) (all []int) {
	released, _, _ := strings.Cut(version, "-")
	for part := range strings.SplitSeq(released, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil
		}
		all = append(all, n)
	}
	return all
}
