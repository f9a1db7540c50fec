package volume_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// touches are what may be done to a /tmp, by root even, without leaving a name.
var touches = map[string]func(dir string) error{
	"file": func(dir string) error { return os.WriteFile(filepath.Join(dir, "x"), []byte("secret"), 0o600) },
	"removed file": func(dir string) error {
		name := filepath.Join(dir, "x")
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			return err
		}
		return os.Remove(name)
	},
	"removed folder": func(dir string) error {
		name := filepath.Join(dir, "x")
		if err := os.Mkdir(name, 0o700); err != nil {
			return err
		}
		return os.Remove(name)
	},
	"removed link": func(dir string) error {
		name := filepath.Join(dir, "x")
		if err := os.Symlink("secret", name); err != nil {
			return err
		}
		return os.Remove(name)
	},
	"removed socket": func(dir string) error {
		name := filepath.Join(dir, "x")
		if err := unix.Mknod(name, unix.S_IFSOCK|0o600, 0); err != nil {
			return err
		}
		return os.Remove(name)
	},
	"times set": func(dir string) error { return os.Chtimes(dir, time.Unix(1, 0), time.Unix(1, 0)) },
	"times kept": func(dir string) error {
		var s unix.Stat_t
		if err := unix.Stat(dir, &s); err != nil {
			return err
		}
		return unix.UtimesNanoAt(unix.AT_FDCWD, dir, []unix.Timespec{s.Atim, s.Mtim}, 0)
	},
	"mode": func(dir string) error { return os.Chmod(dir, os.ModeSticky|0o777) },
}

// TestUntouchedSeesWhatWasTouched also when it was at once after the mount.
func TestUntouchedSeesWhatWasTouched(t *testing.T) {
	m, _ := maker(t)
	for name, touch := range touches {
		t.Run(name, func(t *testing.T) {
			for range 20 {
				v, dir := mounted(t, m, 32*mib)
				if err := touch(dir); err != nil {
					t.Fatal(err)
				}
				if v.Untouched() {
					t.Fatal("it says that nobody wrote")
				}
			}
		})
	}
}

// looks are what may be done without writing.
var looks = map[string]func(dir string){
	"nothing": func(string) {},
	"looking": func(dir string) {
		_, _ = os.ReadDir(dir)
		_, _ = os.Stat(filepath.Join(dir, "x"))
		_ = os.Remove(filepath.Join(dir, "x"))
		_, _ = os.Open(filepath.Join(dir, "x"))
	},
}

func TestUntouchedWhenNobodyWrote(t *testing.T) {
	m, _ := maker(t)
	for name, look := range looks {
		v, dir := mounted(t, m, 32*mib)
		look(dir)
		if !v.Untouched() {
			t.Errorf("%s counts as writing", name)
		}
	}
	v, _ := mounted(t, m, 32*mib)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if v.Untouched() {
		t.Error("a closed volume is as good as new")
	}
}

// TestFileWithoutAName: its data stays on the host's disk, though nobody can read it.
func TestFileWithoutAName(t *testing.T) {
	m, images := maker(t)
	v, dir := mounted(t, m, 512*mib)
	before := diskFree(t, images)
	nameless(t, dir, 256*mib)
	if used := before - diskFree(t, images); used > 128*mib && v.Untouched() {
		t.Errorf("a volume that holds %d bytes of the host's disk counts as new", used)
	}
}

func diskFree(t *testing.T, dir string) int64 {
	t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Bfree) * s.Bsize
}

func nameless(t *testing.T, dir string, size int) {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "nameless")
	if _, err := f.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
