package postgrestest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// installLimit bounds an installation with Debian's packages.
const installLimit = 5 * time.Minute

// binaries returns the folder of initdb and postgres, installing them if need be.
func binaries(t testing.TB) string {
	t.Helper()
	if dir, ok := find(); ok {
		return dir
	}
	if err := install(t); err != nil {
		lacking(t, "initdb and postgres were not found in PATH, /usr/lib/postgresql/*/bin or pg_config --bindir, and installing them failed: %v", err)
	}
	dir, ok := find()
	if !ok {
		lacking(t, "the package postgresql is installed but brought no initdb and postgres")
	}
	return dir
}

// lacking skips the test, or fails it in CI, where a skip would hide that PostgreSQL
// is not tested.
func lacking(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("PostgreSQL is needed: "+format, args...)
	}
	t.Skipf("this host lacks PostgreSQL: "+format, args...)
}

func find() (dir string, ok bool) {
	for _, dir := range candidates() {
		if executable(filepath.Join(dir, "initdb")) && executable(filepath.Join(dir, "postgres")) {
			return dir, true
		}
	}
	return "", false
}

// candidates lists folders, the likeliest first. Debian keeps the server out of PATH,
// in a folder per version.
func candidates() (dirs []string) {
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	debian, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err == nil {
		slices.Sort(debian)
		slices.Reverse(debian)
		dirs = append(dirs, debian...)
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	return dirs
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

func install(t testing.TB) error {
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return fmt.Errorf("only root on a Debian host can install the package postgresql")
	}
	t.Log("installing the package postgresql")
	if err := apt(t, "update"); err != nil {
		return err
	}
	return apt(t, "install", "-y", "--no-install-recommends", "postgresql")
}

// apt runs apt-get. RUNLEVEL=1 tells invoke-rc.d(8) not to start the server that the
// package brings.
func apt(t testing.TB, args ...string) error {
	ctx, stop := contextWithin(t, installLimit)
	defer stop()
	c := exec.CommandContext(ctx, "apt-get", append([]string{"-q", "-o", "DPkg::Lock::Timeout=120"}, args...)...)
	c.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}
