package image

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestMain plays a process that uses a file until it is killed, where it is told one.
func TestMain(m *testing.M) {
	path := os.Getenv("IMAGE_TEST_USES")
	if path == "" {
		os.Exit(m.Run())
	}
	if _, err := Use(path, os.O_RDONLY); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("in use")
	_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed, or whoever started it is
}

func age(t *testing.T, path string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		all = append(all, f.Name())
	}
	return all
}

func expectNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("there are %v, want %v", got, want)
	}
}

const day = 24 * time.Hour

func TestCollectByAgeAndSize(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"a.ram", "a.use", "b.ram", "b.use", "c.ram", "c.use", "unfinished-1", "unfinished-2"} {
		write(t, filepath.Join(dir, name), string(make([]byte, 8192)))
		age(t, filepath.Join(dir, name), time.Duration(10-i)*day)
	}
	age(t, filepath.Join(dir, "unfinished-2"), 0)
	if err := Collect(dir, ".use", Limits{Bytes: 1 << 30, Unused: 8 * day}); err != nil {
		t.Fatal(err)
	}
	expectNames(t, dir, "b.ram", "b.use", "c.ram", "c.use", "unfinished-2")
	if err := Collect(dir, ".use", Limits{Bytes: 20000, Unused: 100 * day}); err != nil {
		t.Fatal(err)
	}
	expectNames(t, dir, "c.ram", "c.use", "unfinished-2") // b was used before c
	if err := Collect(filepath.Join(dir, "missing"), ".use", Limits{}); err != nil {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// TestCollectKeepsWhatIsInUse: by this process, by another, and by one that got the descriptor;
// no more once that is killed.
func TestCollectKeepsWhatIsInUse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key.erofs")
	write(t, path, "image")
	collected := func() bool {
		t.Helper()
		if _, err := os.Stat(path); err == nil {
			age(t, path, day)
		}
		if err := Collect(dir, ".erofs", Limits{}); err != nil {
			t.Fatal(err)
		}
		_, err := os.Stat(path)
		return err != nil
	}
	own, err := Use(path, os.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	user := exec.Command(os.Args[0], "-test.run=^$")
	user.Env = append(os.Environ(), "IMAGE_TEST_USES="+path)
	heir := exec.Command("cat")
	heir.ExtraFiles = []*os.File{own}
	said, err := user.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*exec.Cmd{user, heir} {
		if _, err := c.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	}
	if _, err := io.ReadFull(said, make([]byte, len("in use\n"))); err != nil {
		t.Fatal(err)
	}
	if collected() {
		t.Fatal("what three use was removed")
	}
	if err := own.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*exec.Cmd{user, heir} {
		if collected() {
			t.Fatalf("what %v uses was removed", c.Args)
		}
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	if !collected() {
		t.Error("what nobody uses any more stays")
	}
}
