package volume_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/cgroup"
	"lambent.dev/lambent/internal/kernel/volume"
)

const (
	mib       = 1 << 20
	lambdaTmp = 512 * mib // Lambda's default
)

// TestMain makes the test binary its own helper process.
func TestMain(m *testing.M) {
	if os.Getenv("VOLUME_TEST_JOB") == "hold" {
		os.Exit(hold())
	}
	if dir := os.Getenv("VOLUME_TEST_WRITE"); dir != "" {
		os.Exit(writeMany(dir))
	}
	os.Exit(m.Run())
}

// hold makes and mounts a volume and waits to be killed.
func hold() int {
	m, err := volume.Open(os.Getenv("VOLUME_TEST_DIR"))
	if err == nil {
		var v *volume.Volume
		if v, err = m.New(context.Background(), 32*mib); err == nil {
			_, err = v.Mount()
		}
	}
	fmt.Println("held", err)
	time.Sleep(time.Minute)
	return 0
}

// writeMany writes MiB by MiB until an error and prints how many it wrote.
func writeMany(dir string) int {
	f, err := os.Create(filepath.Join(dir, "big"))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	block := bytes.Repeat([]byte{7}, mib)
	for n := range 600 {
		if _, err := f.Write(block); err != nil {
			fmt.Println(n, errors.Is(err, syscall.ENOSPC))
			return 0
		}
	}
	fmt.Println(600, f.Sync())
	return 0
}

// maker opens a folder on a real disk: the test's temporary folder may be a tmpfs.
func maker(t testing.TB) (*volume.Maker, string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("loop devices need root")
	}
	dir, err := os.MkdirTemp("/var/tmp", "lambent-volume-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	m, err := volume.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range m.Checks() {
		if !c.OK {
			t.Skipf("this host lacks %s: %s", c.Name, c.Found)
		}
	}
	return m, dir
}

// mounted makes a volume, mounts it and returns its root as a path that any process
// of this mount namespace can open.
func mounted(t testing.TB, m *volume.Maker, size int64) (*volume.Volume, string) {
	t.Helper()
	v, err := m.New(t.Context(), size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	fd, err := v.Mount()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return v, fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd)
}

// devicesOf counts the loop devices whose image lies in a folder.
func devicesOf(t testing.TB, dir string) int {
	t.Helper()
	files, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil && strings.HasPrefix(string(text), dir+"/") {
			count++
		}
	}
	return count
}

// eventuallyNoDevice waits until the kernel has freed the folder's loop devices.
func eventuallyNoDevice(t testing.TB, dir string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); devicesOf(t, dir) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d loop devices still hold images of %s", devicesOf(t, dir), dir)
		}
	}
}

func TestRootIsATmp(t *testing.T) {
	m, _ := maker(t)
	_, root := mounted(t, m, 32*mib)
	info, err := os.Stat(root + "/.")
	if err != nil {
		t.Fatal(err)
	}
	if want := os.ModeDir | os.ModeSticky | 0o777; info.Mode() != want {
		t.Errorf("mode = %v, want %v", info.Mode(), want)
	}
	if entries, err := os.ReadDir(root + "/."); err != nil || len(entries) != 0 {
		t.Errorf("a new volume holds %v, %v; want nothing", entries, err)
	}
	var s unix.Statfs_t
	if err := unix.Statfs(root, &s); err != nil {
		t.Fatal(err)
	}
	for name, flag := range map[string]int64{"nosuid": unix.ST_NOSUID, "nodev": unix.ST_NODEV, "noatime": unix.ST_NOATIME} {
		if s.Flags&flag == 0 {
			t.Errorf("the mount is not %s", name)
		}
	}
}

func TestSizesFit(t *testing.T) {
	m, dir := maker(t)
	for _, size := range []int64{16 * mib, 100*mib + 12345, lambdaTmp, 10 << 30} {
		_, root := mounted(t, m, size)
		var s unix.Statfs_t
		if err := unix.Statfs(root, &s); err != nil {
			t.Fatal(err)
		}
		// bavail leaves out what ext4 keeps back from everyone.
		if free := int64(s.Bavail) * s.Bsize; free < size || free > size+size/50+2*mib {
			t.Errorf("a volume of %d has %d free", size, free)
		}
	}
	if used := allocated(t, dir); used > 32*mib {
		t.Errorf("four templates take %d bytes of disk, want next to nothing", used)
	}
}

func allocated(t *testing.T, dir string) int64 {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, f := range files {
		var s unix.Stat_t
		if err := unix.Stat(filepath.Join(dir, f.Name()), &s); err != nil {
			t.Fatal(err)
		}
		sum += s.Blocks * 512
	}
	return sum
}

// TestSmallMemoryWritesMuch is the promise: a function of 128 MiB can write 400 MB
// to its /tmp of 512 MiB, also 500, and cannot write 600.
func TestSmallMemoryWritesMuch(t *testing.T) {
	m, _ := maker(t)
	h, err := cgroup.Open("/sys/fs/cgroup")
	if err != nil {
		t.Skipf("this host has no control groups: %v", err)
	}
	owner := fmt.Sprintf("volume-test-%d", os.Getpid())
	t.Cleanup(func() { _ = h.Reap(func(o string) bool { return o != owner }) })
	g, err := h.Create(owner, "writer", cgroup.Limits{Memory: 128 * mib, Pids: 32})
	if err != nil {
		t.Fatal(err)
	}
	_, root := mounted(t, m, lambdaTmp)
	out := run(t, g, "VOLUME_TEST_WRITE="+root)
	var wrote int
	var full bool
	if _, err := fmt.Sscan(out, &wrote, &full); err != nil {
		t.Fatalf("writer said %q", out)
	}
	if wrote < 512 || wrote > 540 || !full {
		t.Errorf("wrote %d MiB, no space left: %v; want 512 to 540 and true", wrote, full)
	}
	if u, err := g.Usage(); err != nil || u.OOMKills != 0 || u.MemoryPeak > 129*mib {
		t.Errorf("usage %+v, %v: want no kill within 128 MiB", u, err)
	}
}

// run starts the test binary inside a group and returns what it printed.
func run(t *testing.T, g *cgroup.Group, env string) string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), env)
	if fd, ok := g.CloneFD(); ok {
		cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	started := make(chan error)
	go func() { started <- startInside(g, cmd) }()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	return out.String()
}

func startInside(g *cgroup.Group, cmd *exec.Cmd) error {
	runtime.LockOSThread() // the thread ends with the goroutine
	doors, err := g.ThreadDoors()
	if err != nil {
		return err
	}
	for _, door := range doors {
		if _, err := door.WriteString("0"); err != nil {
			return err
		}
		_ = door.Close()
	}
	return cmd.Start()
}

func TestVolumesAreSeparate(t *testing.T) {
	m, _ := maker(t)
	_, one := mounted(t, m, 32*mib)
	if err := os.WriteFile(one+"/secret", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, two := mounted(t, m, 32*mib)
	if _, err := os.Stat(two + "/secret"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file of another volume: %v, want not exist", err)
	}
}

func TestMountOutlivesCloseAndThenAllIsFree(t *testing.T) {
	m, dir := maker(t)
	v, err := m.New(t.Context(), 32*mib)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := v.Mount()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // idempotent
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
	path := fmt.Sprintf("/proc/self/fd/%d/late", fd)
	if err := os.WriteFile(path, []byte("still here"), 0o600); err != nil {
		t.Errorf("writing after Close: %v", err)
	}
	if n := devicesOf(t, dir); n != 1 {
		t.Errorf("%d loop devices while mounted, want 1", n)
	}
	if _, err := v.Mount(); !errors.Is(err, volume.ErrClosed) {
		t.Errorf("Mount after Close: %v", err)
	}
	_ = unix.Close(fd)
	eventuallyNoDevice(t, dir)
}

func TestNothingStaysAfterKill(t *testing.T) {
	_, dir := maker(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "VOLUME_TEST_JOB=hold", "VOLUME_TEST_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 64)
	n, _ := out.Read(line)
	if got := string(line[:n]); got != "held <nil>\n" {
		t.Errorf("helper said %q", got)
	}
	if n := devicesOf(t, dir); n != 1 {
		t.Errorf("%d loop devices while held, want 1", n)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	_, _ = io.Copy(io.Discard, out)
	eventuallyNoDevice(t, dir)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || !strings.HasPrefix(entries[0].Name(), "template-") {
		t.Errorf("left in the folder: %v, %v; want one template", entries, err)
	}
}

func TestOpenSweepsWhatWasLeft(t *testing.T) {
	_, dir := maker(t)
	old := time.Now().Add(-time.Hour)
	for name, age := range map[string]time.Time{"unfinished-1": old, "unfinished-2": time.Now(), "template-0-5": old, "other": old} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, age, age)); err != nil {
			t.Fatal(err)
		}
	}
	busy, err := os.Create(filepath.Join(dir, "unfinished-busy")) // a Maker that lives
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	if err := errors.Join(unix.Flock(int(busy.Fd()), unix.LOCK_EX), os.Chtimes(busy.Name(), old, old)); err != nil {
		t.Fatal(err)
	}
	if _, err := volume.Open(dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"unfinished-1": false, "unfinished-2": true, "unfinished-busy": true, "template-0-5": false, "other": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", name, err == nil, want)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	m, dir := maker(t)
	failed := make(chan error)
	for range 16 {
		go func() {
			v, err := m.New(t.Context(), 32*mib)
			if err == nil {
				err = v.Close()
			}
			failed <- err
		}()
	}
	for range 16 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	eventuallyNoDevice(t, dir)
}

func TestNewRefuses(t *testing.T) {
	m, dir := maker(t)
	for _, size := range []int64{-1, 0, mib, 1 << 50} {
		if _, err := m.New(t.Context(), size); err == nil {
			t.Errorf("a volume of %d was made", size)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("caller left")
	cancel(cause)
	if _, err := m.New(ctx, 32*mib); err == nil {
		t.Error("a cancelled New made a volume")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("refused calls left %v, %v", entries, err)
	}
	eventuallyNoDevice(t, dir)
}

func BenchmarkLife(b *testing.B) {
	m, _ := maker(b)
	if v, err := m.New(b.Context(), lambdaTmp); err != nil || v.Close() != nil {
		b.Fatal(err)
	}
	times := map[string][]time.Duration{}
	var start time.Time
	took := func(step string) { times[step] = append(times[step], time.Since(start)); start = time.Now() }
	for b.Loop() {
		start = time.Now()
		v, err := m.New(b.Context(), lambdaTmp)
		if err != nil {
			b.Fatal(err)
		}
		took("new")
		fd, err := v.Mount()
		if err != nil {
			b.Fatal(err)
		}
		took("mount")
		_ = v.Close()
		took("close")
		_ = unix.Close(fd)
		took("unmount")
	}
	for step, list := range times {
		slices.Sort(list)
		b.ReportMetric(float64(list[len(list)/2].Microseconds()), step+"-p50-µs")
	}
}
