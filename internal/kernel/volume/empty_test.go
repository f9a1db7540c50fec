package volume_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/volume"
)

// free is how much of a volume is free, in bytes, after what is in memory was written.
func free(t *testing.T, root string) int64 {
	t.Helper()
	dir, err := os.Open(root + "/.")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := unix.Syncfs(int(dir.Fd())); err != nil {
		t.Fatal(err)
	}
	var s unix.Statfs_t
	if err := unix.Statfs(root, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Bfree) * s.Bsize
}

func TestEmptyFreesWhatFilesHold(t *testing.T) {
	m, _ := maker(t)
	v, root := mounted(t, m, 64*mib)
	outside := filepath.Join(t.TempDir(), "host")
	deep := filepath.Join(root, "a", "b", "c")
	for _, err := range []error{
		os.WriteFile(outside, []byte("stays"), 0o600), os.MkdirAll(deep, 0o755), os.Symlink(outside, root+"/link"),
		os.Symlink(filepath.Dir(outside), root+"/folder"), unix.Mkfifo(root+"/pipe", 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	before := free(t, root)
	for i := range 300 { // more than one batch of names
		fill(t, filepath.Join(deep, strconv.Itoa(i)), 40<<10)
	}
	fill(t, root+"/large", 20*mib)
	v.Empty()
	if after := free(t, root); before-after > mib {
		t.Errorf("%d bytes are still taken", before-after)
	}
	if text, err := os.ReadFile(outside); err != nil || string(text) != "stays" {
		t.Errorf("a file of the host: %q, %v", text, err)
	}
}

func fill(t testing.TB, name string, size int) {
	t.Helper()
	if err := os.WriteFile(name, bytes.Repeat([]byte{7}, size), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Whoever filled the volume must not be able to hold the daemon up.
func TestEmptyIsBounded(t *testing.T) {
	m, _ := maker(t)
	v, root := mounted(t, m, lambdaTmp)
	dir, err := os.OpenRoot(root)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for range 3000 { // deeper than any path can name
		if err := dir.Mkdir("d", 0o755); err != nil {
			t.Fatal(err)
		}
		next, err := dir.OpenRoot("d")
		if err != nil {
			t.Fatal(err)
		}
		_ = dir.Close()
		dir = next
	}
	began := time.Now()
	v.Empty()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("Empty took %v", took)
	}
}

func TestEmptyOfAClosedVolumeIsNothing(t *testing.T) {
	m, _ := maker(t)
	v, _ := mounted(t, m, 32*mib)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	v.Empty()
}

// A Maker goes on when somebody removed its folder.
func TestFolderComesBack(t *testing.T) {
	m, dir := maker(t)
	for range 2 {
		mounted(t, m, 32*mib)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkEnd is the end of a volume with 20 MiB that were not written back yet, as it
// is and emptied before. What it measures is off the request's path, but the disk is
// everybody's.
func BenchmarkEnd(b *testing.B) {
	m, _ := maker(b)
	for name, end := range map[string]func(*volume.Volume){"emptied": (*volume.Volume).Empty, "as-it-is": func(*volume.Volume) {}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				v, fd := written(b, m)
				b.StartTimer()
				end(v)
				_ = unix.Close(fd)
				_ = v.Close()
			}
		})
	}
}

func written(b *testing.B, m *volume.Maker) (*volume.Volume, int) {
	b.Helper()
	v, err := m.New(b.Context(), lambdaTmp)
	if err != nil {
		b.Fatal(err)
	}
	fd, err := v.Mount()
	if err != nil {
		b.Fatal(err)
	}
	fill(b, fmt.Sprintf("/proc/self/fd/%d/x", fd), 20*mib)
	return v, fd
}
