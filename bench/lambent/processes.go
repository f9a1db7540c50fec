package lambent

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Memory is what processes hold, in KiB. Source: proc(5), /proc/pid/smaps_rollup.
type Memory struct {
	PSS     int // shared pages divided by those who share them
	Private int // pages of nobody else
}

func (m *Memory) add(o Memory) { m.PSS += o.PSS; m.Private += o.Private }

// Box is the processes of one sandbox.
type Box struct {
	Namespace string   // the pid namespace, as /proc names it
	Function  bool     // a function's code is there; else it is a stem
	Programs  []string // names of the programs that run
	Memory             // of all of them
}

// Runs says whether a program whose name begins so runs there.
func (b *Box) Runs(program string) bool {
	return slices.ContainsFunc(b.Programs, func(name string) bool { return strings.HasPrefix(name, program) })
}

// Self is the memory of the server's own process.
func (s *Server) Self() (Memory, error) { return memoryOf(s.PID()) }

// Descendants is the memory of all processes that the server has started, without its own.
// Those that end meanwhile are left out.
func (s *Server) Descendants() (whole Memory, err error) {
	parents, err := parents()
	if err != nil {
		return whole, err
	}
	for pid := range parents {
		if !descends(parents, pid, s.PID()) {
			continue
		}
		if one, err := memoryOf(pid); err == nil {
			whole.add(one)
		}
	}
	return whole, nil
}

// Boxes lists the server's sandboxes: its descendants that live in a pid namespace of their
// own, together by namespace. A box belongs to a function when the folder of its code is mounted
// there. Processes that end meanwhile are left out.
func (s *Server) Boxes() ([]Box, error) {
	parents, err := parents()
	if err != nil {
		return nil, err
	}
	home, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return nil, err
	}
	boxes := map[string]*Box{home: nil} // whoever lives where this program does is in no box
	for pid := range parents {
		if descends(parents, pid, s.PID()) {
			put(boxes, pid)
		}
	}
	delete(boxes, home)
	all := make([]Box, 0, len(boxes))
	for _, b := range boxes {
		all = append(all, *b)
	}
	return all, nil
}

// put adds a process to the box of its pid namespace, unless that has none.
func put(boxes map[string]*Box, pid int) {
	namespace, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "ns/pid"))
	if err != nil {
		return // it has ended
	}
	b, known := boxes[namespace]
	if !known {
		b = &Box{Namespace: namespace}
		boxes[namespace] = b
	}
	if b != nil {
		b.take(pid)
	}
}

// taskMount is the folder of a function's code inside its sandbox.
const taskMount = " /var/task "

func (b *Box) take(pid int) {
	m, err := memoryOf(pid)
	if err != nil {
		return // it has ended
	}
	mounts, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "mountinfo"))
	if err != nil {
		return
	}
	b.Function = b.Function || bytes.Contains(mounts, []byte(taskMount))
	b.add(m)
	b.Programs = append(b.Programs, programOf(pid))
}

// programOf is the name of a process's program; "" if it has ended.
func programOf(pid int) string {
	path, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "exe"))
	if err != nil {
		return ""
	}
	return filepath.Base(path)
}

// parents maps every process to its parent.
func parents() (map[int]int, error) {
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	all := map[int]int{}
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		if parent, ok := parentOf(folder); ok {
			all[pid] = parent
		}
	}
	return all, nil
}

// parentOf reads the fourth field of stat; the second is a name in parentheses that may hold
// anything.
func parentOf(folder string) (int, bool) {
	stat, err := os.ReadFile(filepath.Join(folder, "stat"))
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return 0, false
	}
	parent, err := strconv.Atoi(fields[1])
	return parent, err == nil
}

func descends(parents map[int]int, pid, from int) bool {
	for steps := 0; pid > 1 && steps < len(parents); steps++ {
		pid = parents[pid]
		if pid == from {
			return true
		}
	}
	return false
}

func memoryOf(pid int) (Memory, error) {
	f, err := os.Open(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
	if err != nil {
		return Memory{}, fmt.Errorf("reading the memory of process %d: %w", pid, err)
	}
	defer f.Close()
	var m Memory
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		kib, err := strconv.Atoi(fields[1])
		if err != nil {
			continue
		}
		switch fields[0] {
		case "Pss:":
			m.PSS += kib
		case "Private_Clean:", "Private_Dirty:":
			m.Private += kib
		}
	}
	return m, nil
}
