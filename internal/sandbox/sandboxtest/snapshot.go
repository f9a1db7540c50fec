package sandboxtest

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// settle bounds how long the host may take to forget what was closed: dead namespaces are
// freed by a kernel thread, connections by their last goroutine.
const settle = 3 * time.Second

// kind is what can leak.
type kind string

const (
	processKind    kind = "process"
	mountKind      kind = "mount"
	cgroupKind     kind = "cgroup"
	namespaceKind  kind = "namespace"
	descriptorKind kind = "descriptor"
	loopKind       kind = "loop device"
	goroutineKind  kind = "goroutine"
	fileKind       kind = "file"
)

// Snapshot is the state of the host as far as this test process may change it. What
// other processes do meanwhile is not in it: processes are its descendants and what
// runs for an owner that its suites named, cgroups those of such owners.
type Snapshot struct {
	dir   string
	found map[kind]map[string]string // by identity: what to print
}

// Take looks at the host. The content of dir is looked at, too, unless it is "".
func Take(t testing.TB, dir string) Snapshot {
	t.Helper()
	warmUp(t)
	s, err := look(dir)
	if err != nil {
		t.Fatalf("looking at the host: %v", err)
	}
	return s
}

// warmUp makes Go's runtime open what it keeps open: its poller.
func warmUp(t testing.TB) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatalf("looking at the host: %v", err)
	}
	_ = r.Close() // just made
	_ = w.Close() // just made
}

func look(dir string) (Snapshot, error) {
	s := Snapshot{dir: dir, found: map[kind]map[string]string{}}
	ours, err := ourProcesses()
	if err != nil {
		return s, err
	}
	s.found[processKind] = ours
	for k, f := range map[kind]func() (map[string]string, error){
		mountKind:      mounts,
		cgroupKind:     cgroups,
		namespaceKind:  func() (map[string]string, error) { return namespaces(ours) },
		descriptorKind: descriptors,
		loopKind:       loops,
		goroutineKind:  goroutines,
		fileKind:       func() (map[string]string, error) { return files(dir) },
	} {
		if s.found[k], err = f(); err != nil {
			return s, fmt.Errorf("%s: %w", k, err)
		}
	}
	return s, nil
}

// Leaked returns what the host has now and had not before, one line each. It waits
// up to limit for that to disappear.
func (s Snapshot) Leaked(limit time.Duration) []string {
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		runtime.GC() // files that nobody holds are closed by it; they are a leak only if somebody does
		now, err := look(s.dir)
		if err != nil {
			return []string{fmt.Sprintf("looking at the host: %v", err)}
		}
		leaked := now.notIn(s)
		if len(leaked) == 0 || time.Now().After(end) {
			return leaked
		}
	}
}

func (s Snapshot) notIn(before Snapshot) []string {
	var added []string
	for k, things := range s.found {
		for id, text := range things {
			if _, known := before.found[k][id]; !known {
				added = append(added, fmt.Sprintf("%s: %s", k, text))
			}
		}
	}
	slices.Sort(added)
	return added
}

func (s Snapshot) texts(k kind) []string { return slices.Sorted(maps.Values(s.found[k])) }

func (s Snapshot) processes() []string { return s.texts(processKind) }
func (s Snapshot) cgroups() []string   { return s.texts(cgroupKind) }

// filesNotIn lists the files that were added.
func (s Snapshot) filesNotIn(before Snapshot) []string {
	var added []string
	for name := range s.found[fileKind] {
		if _, known := before.found[fileKind][name]; !known {
			added = append(added, name)
		}
	}
	return added
}

// runMark begins every owner that this test process names.
func runMark() string { return fmt.Sprintf("t%d-", os.Getpid()) }

// ourProcesses lists descendants of this process and all that bears its mark.
func ourProcesses() (map[string]string, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	parents := map[int]int{}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			parents[pid] = statField(pid, parentField)
		}
	}
	ours := map[string]string{}
	for pid := range parents {
		if pid != os.Getpid() && (descends(pid, parents) || bearsMark(pid)) {
			ours[strconv.Itoa(pid)] = fmt.Sprintf("%d %s", pid, commandLine(pid))
		}
	}
	return ours, nil
}

// descends follows the parents of pid, for a bounded number of generations.
func descends(pid int, parents map[int]int) bool {
	for range 100 {
		parent, known := parents[pid]
		if !known {
			return false
		}
		if parent == os.Getpid() {
			return true
		}
		pid = parent
	}
	return false
}

func bearsMark(pid int) bool {
	for _, file := range []string{"cgroup", "environ"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
		if err == nil && strings.Contains(string(text), runMark()) {
			return true
		}
	}
	return false
}

const parentField = 1 // after the name, see proc_pid_stat(5)

func statField(pid, i int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0 // it has ended
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if i >= len(fields) {
		return 0
	}
	n, _ := strconv.Atoi(fields[i]) // the kernel writes numbers
	return n
}

func commandLine(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || len(text) == 0 {
		return "(zombie or kernel)"
	}
	return strings.TrimSpace(strings.ReplaceAll(string(text), "\x00", " "))
}

// mounts lists the mounts that any thread of this process sees, but for what tests of
// other processes mount in their temporary folders.
func mounts() (map[string]string, error) {
	all := map[string]string{}
	err := eachThread(func(task string) error {
		text, err := os.ReadFile(filepath.Join(task, "mountinfo"))
		if err != nil {
			return nil // the thread has ended
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) > 4 && !foreignTemp(line) {
				all[fields[0]+" "+fields[2]+" "+fields[4]] = strings.TrimSpace(line)
			}
		}
		return nil
	})
	return all, err
}

func foreignTemp(line string) bool {
	return strings.Contains(line, os.TempDir()+"/") && !strings.Contains(line, runMark())
}

func eachThread(f func(task string) error) error {
	tasks, err := filepath.Glob("/proc/self/task/*")
	if err != nil {
		return err
	}
	for _, task := range tasks {
		if err := f(task); err != nil {
			return err
		}
	}
	return nil
}

// cgroups lists the groups of this process's owners in every hierarchy.
func cgroups() (map[string]string, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if !strings.Contains(line, " - cgroup") || len(fields) < 5 {
			continue
		}
		if err := markedFolders(fields[4], all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func markedFolders(root string, all map[string]string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // removed meanwhile
		case d.IsDir() && strings.Contains(path, runMark()):
			all[path] = path
		}
		return nil
	})
}

// namespaces lists those of this process's threads and of its other processes.
func namespaces(ours map[string]string) (map[string]string, error) {
	all := map[string]string{}
	note := func(task string) error {
		links, err := filepath.Glob(filepath.Join(task, "ns", "*"))
		for _, link := range links {
			if target, err := os.Readlink(link); err == nil {
				all[target] = fmt.Sprintf("%s of %s", target, task)
			}
		}
		return err
	}
	for pid := range ours {
		if err := note(filepath.Join("/proc", pid)); err != nil {
			return nil, err
		}
	}
	return all, eachThread(note)
}

func descriptors() (map[string]string, error) {
	links, err := filepath.Glob("/proc/self/fd/*")
	all := map[string]string{}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil { // else it was the folder itself
			all[filepath.Base(link)+" "+target] = filepath.Base(link) + " is " + target
		}
	}
	return all, err
}

// loops lists loop devices with a file, by that file.
func loops() (map[string]string, error) {
	names, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	all := map[string]string{}
	for _, name := range names {
		if file, err := os.ReadFile(name); err == nil && !foreignTemp(string(file)) {
			all[name+string(file)] = fmt.Sprintf("%s has %s", name, strings.TrimSpace(string(file)))
		}
	}
	return all, err
}

// goroutines lists all but the test framework's own, by number.
func goroutines() (map[string]string, error) {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	all := map[string]string{}
	for stack := range strings.SplitSeq(string(buf), "\n\n") {
		id, _, _ := strings.Cut(stack, " [")
		if !ofTheFramework(stack) {
			all[id] = stack
		}
	}
	return all, nil
}

func ofTheFramework(stack string) bool {
	for _, frame := range []string{"testing.tRunner", "testing.(*M)", "testing.(*B).", "os/signal.loop", "sandboxtest.look("} {
		if strings.Contains(stack, frame) {
			return true
		}
	}
	return false
}

func files(dir string) (map[string]string, error) {
	all := map[string]string{}
	if dir == "" {
		return all, nil
	}
	return all, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			all[path] = path
		}
		return nil // removed meanwhile
	})
}
