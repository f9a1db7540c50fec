package bench

import (
	"bufio"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// Machine is where a run took place. What could not be read is empty.
type Machine struct {
	Kernel  string   `json:"kernel"`
	CPU     string   `json:"cpu"`
	Cores   int      `json:"cores"`
	Memory  float64  `json:"memoryGiB"`
	Guest   bool     `json:"guest"`      // it is a virtual machine
	Load    string   `json:"loadBefore"` // of 1, 5 and 15 minutes
	Cgroups string   `json:"cgroups"`    // "v2", "v1", "v1 and v2"
	Tools   []string `json:"tools"`      // what ran beside Lambent, with versions
}

func machine(tools []string) Machine {
	info := fields("/proc/cpuinfo")
	return Machine{
		Kernel: firstWordOf("/proc/sys/kernel/ostype") + " " + firstWordOf("/proc/sys/kernel/osrelease"),
		CPU:    info["model name"], Cores: runtime.NumCPU(), Memory: hostMemory("MemTotal") / (1 << 20),
		Guest: strings.Contains(" "+info["flags"]+" ", " hypervisor "),
		Load:  loadBefore(), Cgroups: cgroups(), Tools: tools,
	}
}

// hostMemory is a line of /proc/meminfo in KiB, 0 if it is not known.
func hostMemory(name string) float64 {
	kibibytes, _ := strconv.ParseFloat(strings.TrimSuffix(fields("/proc/meminfo")[name], " kB"), 64)
	return kibibytes
}

// available is what the host could give without swapping, in MB.
func available() float64 { return kib * hostMemory("MemAvailable") }

// fields reads "name : value" lines; of a name that comes again, the first.
func fields(path string) map[string]string {
	all := map[string]string{}
	f, err := os.Open(path)
	if err != nil {
		return all
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, value, found := strings.Cut(lines.Text(), ":")
		if name = strings.TrimSpace(name); found && all[name] == "" {
			all[name] = strings.TrimSpace(value)
		}
	}
	return all
}

func firstWordOf(path string) string {
	text, _ := os.ReadFile(path) // absent elsewhere than on Linux
	word, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	return word
}

func loadBefore() string {
	text, _ := os.ReadFile("/proc/loadavg") // absent elsewhere than on Linux
	parts := strings.Fields(string(text))
	return strings.Join(parts[:min(3, len(parts))], " ")
}

// cgroups says which hierarchies hold controllers. Source: proc(5), /proc/pid/mountinfo.
func cgroups() string {
	text, _ := os.ReadFile("/proc/self/mountinfo") // absent elsewhere than on Linux
	v1, v2 := strings.Contains(string(text), " - cgroup "), strings.Contains(string(text), " - cgroup2 ")
	switch {
	case v1 && v2:
		return "v1 and v2"
	case v1:
		return "v1"
	case v2:
		return "v2"
	}
	return ""
}

// conditions are counters that tell whether others disturbed a measurement.
type conditions struct {
	steal, idle, total float64 // ticks of all CPUs
	held               float64 // ms that a quota of CPU held this program's cgroup back
}

func conditionsNow() conditions {
	var c conditions
	parts := strings.Fields(firstLineOf("/proc/stat"))
	for i, part := range parts {
		ticks, err := strconv.ParseFloat(part, 64)
		if err != nil || i > 8 { // guest time is part of user time
			continue
		}
		c.total += ticks
		switch i { // proc(5): cpu user nice system idle iowait irq softirq steal
		case 4, 5:
			c.idle += ticks
		case 8:
			c.steal = ticks
		}
	}
	c.held = heldMS()
	return c
}

func firstLineOf(path string) string {
	text, _ := os.ReadFile(path) // absent elsewhere than on Linux
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

// heldMS reads cpu.stat of the own cgroup: throttled_usec on v2, throttled_time (ns) on v1.
func heldMS() float64 {
	text, _ := os.ReadFile("/proc/self/cgroup") // absent elsewhere than on Linux
	var held float64
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		switch {
		case parts[1] == "":
			held += statOf(filepath.Join("/sys/fs/cgroup", parts[2], "cpu.stat"), "throttled_usec") / 1e3
		case strings.Contains(","+parts[1]+",", ",cpu,"):
			held += statOf(filepath.Join("/sys/fs/cgroup", parts[1], parts[2], "cpu.stat"), "throttled_time") / 1e6
		}
	}
	return held
}

func statOf(path, name string) float64 {
	text, _ := os.ReadFile(path) // a cgroup without a quota has none
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, _ := strconv.ParseFloat(strings.TrimSpace(value), 64) // the kernel writes numbers
			return n
		}
	}
	return 0
}

// since is what happened after c, as a group tells it.
func (c conditions) since(now conditions) (steal, held float64) {
	if now.total > c.total {
		steal = (now.steal - c.steal) / (now.total - c.total)
	}
	return steal, now.held - c.held
}

// busy is the share of the CPUs' time that was used after c; 0 where that is not known.
func (c conditions) busy(now conditions) float64 {
	if now.total <= c.total {
		return 0
	}
	return 1 - (now.idle-c.idle)/(now.total-c.total)
}
