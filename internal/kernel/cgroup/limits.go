package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
)

// Limits are what the processes of one group may use together.
type Limits struct {
	Memory    int64   // bytes, swap included; 0 = no limit
	Pids      int     // processes and threads; 0 = no limit
	CPUWeight uint64  // 1 to 10000, cgroup v2's scale; 0 = 100
	CPUQuota  float64 // CPUs; 0 = none
	// Batch leaves CPUs and devices to groups without it: a hundredth of CPUWeight and a
	// tenth of the weight of I/O.
	Batch bool
	// Ahead gives 32 times CPUWeight, 10000 at most. It changes nothing of what is Batch.
	Ahead bool
}

const (
	defaultWeight = 100
	maxWeight     = 10000
	// batchDivisor is what Batch divides CPUWeight by. Measured with 20 busy groups on two
	// CPUs: a hundredth keeps one that wakes now and then as undisturbed as the scheduling
	// class SCHED_IDLE does (cpu.idle), which knows no proportions among the busy.
	batchDivisor = 100
	// aheadFactor is what Ahead multiplies CPUWeight by: measured as batchDivisor was, with ten
	// busy ones on each CPU one that wakes has three quarters of it. 80 brought no more.
	aheadFactor = 32
	// batchIOWeight is io.weight of batch groups; that of others is the kernel's default.
	batchIOWeight = 10
	// quotaPeriod is the kernel's default period of the CPU quota, in microseconds.
	quotaPeriod = 100_000
	// minQuota is the smallest quota that the kernel takes, in microseconds.
	minQuota = 1000
)

func (l Limits) check() error {
	switch {
	case l.Memory < 0 || l.Pids < 0 || l.CPUQuota < 0:
		return errors.New("limits must not be negative")
	case l.CPUWeight > maxWeight:
		return fmt.Errorf("cpu weight %d is above %d", l.CPUWeight, maxWeight)
	case l.CPUQuota != l.CPUQuota || l.CPUQuota > 1<<20:
		return fmt.Errorf("cpu quota %v is not a number of CPUs", l.CPUQuota)
	}
	return nil
}

// setting is one value for one file of a group.
type setting struct {
	file     string
	value    string
	optional bool // older kernels or other configurations lack the file
}

// settings lists what a controller has to be told, in the order in which the kernel
// takes it while limits shrink.
func settings(controller string, v version, l Limits) []setting {
	switch {
	case controller == memory && v == 2:
		return memoryV2(l)
	case controller == memory:
		limit := bound(l.Memory, "-1")
		return []setting{{"memory.limit_in_bytes", limit, false}, {"memory.memsw.limit_in_bytes", limit, true}}
	case controller == pids:
		return []setting{{"pids.max", bound(int64(l.Pids), "max"), false}}
	case controller == cpu && v == 2:
		return cpuV2(l)
	case controller == cpu:
		return cpuV1(l)
	case controller == blockIO:
		return ioV2(l)
	}
	return nil
}

// memoryV2 forbids swap, so that the limit means the same as on v1 with memsw, and
// keeps the out-of-memory killer to single processes: PID 1 of a sandbox survives.
func memoryV2(l Limits) []setting {
	swap := "max"
	if l.Memory > 0 {
		swap = "0"
	}
	return []setting{
		{"memory.max", bound(l.Memory, "max"), false},
		{"memory.swap.max", swap, true},
		{"memory.oom.group", "0", true},
	}
}

func cpuV2(l Limits) []setting {
	quota := "max"
	if l.CPUQuota > 0 {
		quota = strconv.FormatInt(quotaMicros(l.CPUQuota), 10)
	}
	return []setting{
		{"cpu.weight", strconv.FormatUint(weight(l), 10), false},
		{"cpu.max", quota + " " + strconv.Itoa(quotaPeriod), true},
	}
}

func cpuV1(l Limits) []setting {
	quota := int64(-1)
	if l.CPUQuota > 0 {
		quota = quotaMicros(l.CPUQuota)
	}
	return []setting{
		{"cpu.shares", strconv.FormatUint(sharesOf(weight(l)), 10), false},
		{"cpu.cfs_quota_us", strconv.FormatInt(quota, 10), true},
	}
}

// sharesOf converts a v2 weight into v1 shares as the scheduler itself does
// (kernel/sched/sched.h, sched_weight_from_cgroup): 100 is 1024.
func sharesOf(weight uint64) uint64 { return (weight*1024 + 50) / 100 }

// ioV2 writes what the kernel has: io.weight with CONFIG_BLK_CGROUP_IOCOST, io.bfq.weight
// with the BFQ scheduler. Devices that follow neither take no notice.
func ioV2(l Limits) []setting {
	weight := uint64(defaultWeight)
	if l.Batch {
		weight = batchIOWeight
	}
	value := strconv.FormatUint(weight, 10)
	return []setting{{"io.weight", "default " + value, true}, {"io.bfq.weight", value, true}}
}

func weight(l Limits) uint64 {
	weight := l.CPUWeight
	if weight == 0 {
		weight = defaultWeight
	}
	switch {
	case l.Batch:
		return max(1, weight/batchDivisor)
	case l.Ahead:
		return min(weight*aheadFactor, maxWeight)
	}
	return weight
}

func quotaMicros(cpus float64) int64 { return max(minQuota, int64(cpus*quotaPeriod)) }

func bound(n int64, none string) string {
	if n == 0 {
		return none
	}
	return strconv.FormatInt(n, 10)
}

// SetLimits changes the limits; values that did not change are not written. After
// an error some of them may have been set. Lowering Memory below what is in use
// fails on v1 and kills on v2.
func (g *Group) SetLimits(l Limits) error {
	if err := l.check(); err != nil {
		return fmt.Errorf("setting limits of %s: %w", g.name, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, controller := range []string{memory, pids, cpu, blockIO} {
		if err := g.apply(controller, l); err != nil {
			return fmt.Errorf("setting limits of %s: %w", g.name, err)
		}
	}
	g.limits = l
	return nil
}

// SetBatch moves the group between the classes, by its weights: no process is moved. It
// writes nothing when the class stays.
func (g *Group) SetBatch(batch bool) error {
	return g.weigh(func(l *Limits) { l.Batch = batch })
}

// SetAhead changes Limits.Ahead: no process is moved. It writes nothing when it stays.
func (g *Group) SetAhead(ahead bool) error {
	return g.weigh(func(l *Limits) { l.Ahead = ahead })
}

// weigh changes what the group's weights follow from.
func (g *Group) weigh(change func(*Limits)) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.limits
	if change(&l); l == g.limits {
		return nil
	}
	for _, controller := range []string{cpu, blockIO} {
		if err := g.apply(controller, l); err != nil {
			return fmt.Errorf("setting the weights of %s: %w", g.name, err)
		}
	}
	g.limits = l
	return nil
}

// apply writes what one controller has to be told. It runs with g.mu held.
func (g *Group) apply(controller string, l Limits) error {
	at, ok := g.host.where(controller)
	if !ok {
		return nil
	}
	list := settings(controller, g.host.hierarchies[at].version, l)
	if raises(g.limits.Memory, l.Memory) {
		slices.Reverse(list) // v1: memsw must never be below the memory limit
	}
	for _, s := range list {
		if err := g.writeChanged(filepath.Join(g.dirs[at], s.file), s); err != nil {
			return err
		}
	}
	return nil
}

// raises says whether a memory limit grows; 0 is no limit, the highest.
func raises(from, to int64) bool { return from != 0 && (to == 0 || to > from) }

func (g *Group) writeChanged(name string, s setting) error {
	if g.written[name] == s.value {
		return nil
	}
	err := g.host.tree.write(name, s.value)
	if s.optional && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		g.written[name] = s.value
	}
	return err
}
