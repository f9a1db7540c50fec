package sdk

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// traces is what a daemon can leave on a host: a set of lines, each naming one thing.
type traces map[string]bool

// leftoverLimit is how long the kernel may take to free what was closed.
const leftoverLimit = 15 * time.Second

// watchHost notes what is on the host now; the returned function fails the test for
// everything of Lambent's that came since and does not go away. marks are paths that
// only Lambent's processes of this test know. It needs the host for itself: a test that runs
// beside others is watched.
func watchHost(t *testing.T, marks ...string) (check func()) {
	t.Helper()
	before := look(marks)
	return func() {
		t.Helper()
		awaitNothingNew(t, before, func() traces { return look(marks) })
	}
}

// awaitNothingNew fails the test for what came since before and does not go away.
func awaitNothingNew(t *testing.T, before traces, look func() traces) {
	t.Helper()
	var left []string
	for end := time.Now().Add(leftoverLimit); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		after := look()
		maps.DeleteFunc(after, func(line string, _ bool) bool { return before[line] })
		if left = slices.Sorted(maps.Keys(after)); len(left) == 0 {
			return
		}
	}
	t.Errorf("left on the host:\n%s", strings.Join(left, "\n"))
}

func look(marks []string) traces {
	found := traces{}
	found.processes(marks)
	found.mounts(append([]string{"lambent", " - nsfs "}, marks...))
	found.cgroups()
	found.loops(marks)
	found.namespaces()
	return found
}

// processes notes those that are of a binary or a folder of this test: by what they
// run, how they were called or what they see mounted, which a sandbox cannot hide. With
// each come its namespaces.
func (found traces) processes(marks []string) {
	pids, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range pids {
		if dir == fmt.Sprintf("/proc/%d", os.Getpid()) || !marked(describeProcess(dir), marks) {
			continue
		}
		comm, err := os.ReadFile(dir + "/comm")
		if err != nil {
			continue // it has ended meanwhile
		}
		found["process "+dir+" "+strings.TrimSpace(string(comm))] = true
		for _, ns := range []string{"mnt", "pid", "net", "ipc", "uts", "user", "cgroup"} {
			if name, err := os.Readlink(dir + "/ns/" + ns); err == nil && !ownNamespace(ns, name) {
				found["namespace "+name] = true
			}
		}
	}
}

func ownNamespace(kind, name string) bool {
	own, err := os.Readlink("/proc/self/ns/" + kind)
	return err == nil && own == name
}

// describeProcess joins everything about a process that can name a path of a test.
func describeProcess(dir string) string {
	exe, _ := os.Readlink(dir + "/exe") // kernel threads have none
	text := exe
	for _, file := range []string{"/cmdline", "/mountinfo"} {
		content, _ := os.ReadFile(dir + file) // it may end meanwhile
		if file == "/mountinfo" && sameMounts(dir) {
			continue
		}
		text += "\n" + string(content)
	}
	return text
}

// sameMounts reports whether a process sees the host's mounts: those are looked at
// once, as mounts.
func sameMounts(dir string) bool {
	name, err := os.Readlink(dir + "/ns/mnt")
	return err != nil || ownNamespace("mnt", name)
}

func marked(text string, marks []string) bool {
	return slices.ContainsFunc(marks, func(mark string) bool { return strings.Contains(text, mark) })
}

func (found traces) mounts(marks []string) {
	table, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(table)) {
		if marked(line, marks) {
			found["mount "+strings.TrimSpace(line)] = true
		}
	}
}

// cgroups notes every cgroup whose path names Lambent, in v1 and v2 hierarchies.
func (found traces) cgroups() {
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.Contains(filepath.Base(path), "lambent") {
			found["cgroup "+path] = true
		}
		return nil // cgroups come and go while we walk
	})
}

// loops notes those whose files lie, or lay, in a marked folder: others' servers have some, too.
func (found traces) loops(marks []string) {
	files, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, name := range files {
		backing, err := os.ReadFile(name)
		if err == nil && marked(string(backing), marks) {
			found["loop device "+name+" of "+strings.TrimSpace(string(backing))] = true
		}
	}
}

// namespaces notes those that have a name.
func (found traces) namespaces() {
	for _, pattern := range []string{"/run/netns/*", "/run/lambent*", "/dev/shm/lambent*"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			found["name "+name] = true
		}
	}
}

// The watch itself must see things: a process and a mount of a marked folder.
func TestWatchSeesProcesses(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "sleep")
	if err := os.Symlink("/bin/sleep", script); err != nil {
		t.Fatal(err)
	}
	process, err := os.StartProcess(script, []string{script, "30"}, &os.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = process.Kill()
		_, _ = process.Wait()
	}()
	for line := range look([]string{dir}) {
		if strings.HasPrefix(line, fmt.Sprintf("process /proc/%d ", process.Pid)) {
			return
		}
	}
	t.Error("a running process of a marked folder was not seen")
}
