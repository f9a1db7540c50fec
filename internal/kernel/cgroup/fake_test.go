package cgroup

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// fakeTree simulates cgroup v2, and as much of v1 as a hybrid host needs, in a
// temporary folder. It refuses what the kernel refuses: files that a controller did
// not bring, controllers that the parent did not hand down, values out of range,
// handing down from a group with processes, removing a group with processes.
type fakeTree struct {
	t       *testing.T
	real    kernelTree
	root    string            // of v2
	v1      string            // of the v1 pids controller, "" for none
	lacks   []string          // files that this kernel is too old for
	frozen  map[string]int    // group → reads until it says frozen
	dying   map[string]int    // group → rmdirs until its killed processes are gone
	history map[string]string // file → last value

	noPressure bool // booted with psi=0
}

// files that a controller brings, with what they say at first
// (Documentation/admin-guide/cgroup-v2.rst).
func controllerFiles(controller string) map[string]string {
	return map[string]map[string]string{
		memory: {
			"memory.max": "max", "memory.swap.max": "max", "memory.oom.group": "0", "memory.current": "1048576",
			"memory.peak": "4194304", "memory.reclaim": "", "memory.stat": "anon 4096\npgfault 70\npgmajfault 3\n",
			"memory.events": "low 0\nhigh 0\nmax 7\noom 2\noom_kill 2\noom_group_kill 0\n",
		},
		pids:    {"pids.max": "max", "pids.current": "0"},
		cpu:     {"cpu.weight": "100", "cpu.max": "max 100000"},
		blockIO: {"io.weight": "default 100\n", "io.stat": "8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n7:3 rbytes=9 wbytes=9 rios=1 wios=1\n259:1 rbytes=1000 wbytes=0\n"},
	}[controller]
}

func newFake(t *testing.T, controllers ...string) *fakeTree {
	f := &fakeTree{t: t, root: t.TempDir(), frozen: map[string]int{}, dying: map[string]int{}, history: map[string]string{}}
	f.put(f.root, map[string]string{
		"cgroup.controllers": strings.Join(controllers, " "), "cgroup.subtree_control": "", "cgroup.procs": "1\n",
	})
	return f
}

func (f *fakeTree) put(dir string, files map[string]string) {
	for name, text := range files {
		if slices.Contains(f.lacks, name) {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fakeTree) get(dir, name string) string {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func refuse(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

func (f *fakeTree) mkdir(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if f.v1 != "" && strings.HasPrefix(dir, f.v1+"/") {
		f.put(dir, map[string]string{"tasks": "", "cgroup.procs": "", "pids.max": "max", "notify_on_release": "0"})
		return nil
	}
	handed := f.get(filepath.Dir(dir), "cgroup.subtree_control")
	f.put(dir, map[string]string{
		"cgroup.controllers": handed, "cgroup.subtree_control": "", "cgroup.procs": "", "cgroup.freeze": "0", "cgroup.kill": "",
		"cgroup.events": "populated 0\nfrozen 0\n", "cpu.stat": "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\n",
		"cpu.pressure":    "some avg10=0.00 avg60=0.00 avg300=0.00 total=41000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n",
		"memory.pressure": "some avg10=1.50 avg60=0.00 avg300=0.00 total=2000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		"io.pressure":     "some avg10=0.00 avg60=0.00 avg300=0.00 total=3000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
	})
	for _, controller := range strings.Fields(handed) {
		f.put(dir, controllerFiles(controller))
	}
	if strings.Contains(handed, cpu) {
		f.put(dir, map[string]string{"cpu.stat": "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_throttled 3\nthrottled_usec 250\n"})
	}
	return nil
}

func (f *fakeTree) read(name string) (string, error) {
	dir, file := filepath.Split(name)
	dir = filepath.Clean(dir)
	if file == "cgroup.kill" {
		return "", refuse("read", name, unix.EINVAL) // write only
	}
	if left := f.frozen[dir]; file == "cgroup.events" && left > 0 {
		if f.frozen[dir]--; left == 1 {
			f.put(dir, map[string]string{"cgroup.events": "populated 1\nfrozen 1\n"})
		}
	}
	return f.real.read(name)
}

// open is the kernel's, but of a file whose counts are switched off (psi=0).
func (f *fakeTree) open(name string) (file, error) {
	opened, err := f.real.open(name)
	if err == nil && strings.HasSuffix(name, ".pressure") && f.noPressure {
		opened.close()
		return switchedOff{}, nil
	}
	return opened, err
}

// switchedOff is a pressure file of a kernel that was booted with psi=0
// (kernel/sched/psi.c, psi_show).
type switchedOff struct{}

func (switchedOff) readAt([]byte) (int, error) { return 0, unix.EOPNOTSUPP }
func (switchedOff) close()                     {}

func (f *fakeTree) write(name, value string) error {
	dir, file := filepath.Split(name)
	dir = filepath.Clean(dir)
	if _, err := os.Stat(name); err != nil {
		return refuse("open", name, unix.ENOENT)
	}
	if err := f.accept(dir, file, value); err != nil {
		return refuse("write "+value+" to", name, err)
	}
	f.history[name] = value
	return nil
}

// accept does what the kernel does when a value is written.
func (f *fakeTree) accept(dir, file, value string) error {
	switch file {
	case "cgroup.subtree_control":
		return f.handDown(dir, value)
	case "cgroup.freeze":
		return f.freeze(dir, value)
	case "cgroup.kill":
		return f.kill(dir, value)
	case "cpu.weight":
		return f.number(dir, file, value, 1, 10000, unix.ERANGE)
	case "io.weight":
		value, ok := strings.CutPrefix(value, "default ")
		if !ok {
			return unix.EINVAL
		}
		return f.number(dir, file, value, 1, 10000, unix.ERANGE)
	case "memory.oom.group":
		return f.number(dir, file, value, 0, 1, unix.EINVAL)
	case "pids.max", "memory.max", "memory.swap.max":
		if value == "max" {
			return nil
		}
		return f.number(dir, file, value, 0, 1<<40, unix.EINVAL)
	case "memory.reclaim": // swaps only what may be swapped, and never all
		f.history[filepath.Join(dir, "swap while reclaiming")] = f.history[filepath.Join(dir, "memory.swap.max")]
		return unix.EAGAIN
	case "cpu.max":
		return f.cpuMax(dir, value)
	case "tasks":
		return f.number(dir, file, value, 0, 0, unix.ESRCH)
	}
	return unix.EINVAL // the file is read only
}

func (f *fakeTree) number(dir, file, value string, low, high int64, bad error) error {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return unix.EINVAL
	}
	if n < low || n > high {
		return bad
	}
	f.put(dir, map[string]string{file: value})
	return nil
}

func (f *fakeTree) cpuMax(dir, value string) error {
	var quota string
	var period int64
	if n, err := fmt.Sscanf(value, "%s %d", &quota, &period); n != 2 || err != nil || period < 1000 || period > 1_000_000 {
		return unix.EINVAL
	}
	if n, err := strconv.ParseInt(quota, 10, 64); quota != "max" && (err != nil || n < 1000) {
		return unix.EINVAL
	}
	f.put(dir, map[string]string{"cpu.max": value})
	return nil
}

// handDown enables controllers for the children.
func (f *fakeTree) handDown(dir, value string) error {
	if dir != f.root && f.get(dir, "cgroup.procs") != "" {
		return unix.EBUSY // no processes in inner groups
	}
	enabled := map[string]bool{}
	for _, one := range strings.Fields(f.get(dir, "cgroup.subtree_control")) {
		enabled[one] = true
	}
	for _, one := range strings.Fields(value) {
		controller, ok := strings.CutPrefix(one, "+")
		if !ok || controllerFiles(controller) == nil {
			return unix.EINVAL
		}
		if !slices.Contains(strings.Fields(f.get(dir, "cgroup.controllers")), controller) {
			return unix.ENOENT
		}
		enabled[controller] = true
	}
	list := strings.Join(slices.Sorted(maps.Keys(enabled)), " ")
	f.put(dir, map[string]string{"cgroup.subtree_control": list})
	children, _ := f.folders(dir)
	for _, child := range children {
		f.put(filepath.Join(dir, child), map[string]string{"cgroup.controllers": list})
		for controller := range enabled {
			f.put(filepath.Join(dir, child), controllerFiles(controller))
		}
	}
	return nil
}

// freeze becomes true only after some reads, as processes need time to stop.
func (f *fakeTree) freeze(dir, value string) error {
	switch value {
	case "1":
		f.frozen[dir] = 3
	case "0":
		f.frozen[dir] = 0
		f.put(dir, map[string]string{"cgroup.events": "populated 1\nfrozen 0\n"})
	default:
		return unix.ERANGE
	}
	f.put(dir, map[string]string{"cgroup.freeze": value})
	return nil
}

func (f *fakeTree) kill(dir, value string) error {
	if value != "1" {
		return unix.ERANGE
	}
	f.dying[dir] = 3
	return nil
}

func (f *fakeTree) rmdir(dir string) error {
	if left, ok := f.dying[dir]; ok {
		if f.dying[dir]--; left == 1 {
			delete(f.dying, dir)
			f.put(dir, map[string]string{"cgroup.procs": ""})
		}
	}
	if _, err := os.Stat(dir); err != nil {
		return refuse("rmdir", dir, unix.ENOENT)
	}
	children, err := f.folders(dir)
	if err != nil {
		return err
	}
	if len(children) > 0 || f.get(dir, "cgroup.procs") != "" {
		return refuse("rmdir", dir, unix.EBUSY)
	}
	return os.RemoveAll(dir)
}

func (f *fakeTree) folders(name string) ([]string, error) { return f.real.folders(name) }
