package light

import (
	"fmt"
	"slices"

	bpf "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	netbpf "golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/seccomp"
)

// Filter is the program of what functions may ask of Linux: guests of driver microvm put theirs
// under it, too.
func Filter() ([]byte, error) { return assemble(policy) }

// assemble turns families into the program that lambent-init installs. Most system calls
// are decided by their number, and those by a search that halves the numbers: the kernel runs
// a new filter for each number that there is (seccomp_cache_prepare), which with one comparison
// for each allowed call, one after the other, takes longer than all else of loading it.
func assemble(families []family) ([]byte, error) {
	machine, err := thisMachine()
	if err != nil {
		return nil, err
	}
	rest, err := program(bpf.Policy{DefaultAction: bpf.ActionErrno, Syscalls: []bpf.SyscallGroup{
		{Action: bpf.ActionAllow, NamesWithCondtions: conditional},
	}})
	if err != nil {
		return nil, err
	}
	return encode(before(machine, search(spans(verdicts(machine, families))), rest))
}

// verdict is what becomes of a system call: an answer of the filter, or look, which leaves it
// to the program that looks at arguments.
type verdict uint32

const (
	allowed = verdict(bpf.ActionAllow)
	denied  = verdict(bpf.ActionErrno) | verdict(unix.EPERM)
	unknown = verdict(bpf.ActionErrno) | verdict(unix.ENOSYS)
	look    = verdict(0) // SECCOMP_RET_KILL_THREAD, which no policy here answers
)

// verdicts are those of all numbers of this machine, and of one beyond them.
func verdicts(machine *arch.Info, families []family) []verdict {
	var last int
	for _, number := range machine.SyscallNames {
		last = max(last, number)
	}
	all := slices.Repeat([]verdict{denied}, last+2)
	set := func(v verdict, names []string) {
		for _, name := range known(machine, names) {
			all[machine.SyscallNames[name]] = v
		}
	}
	for _, f := range families {
		set(allowed, f.names)
	}
	set(unknown, absent)
	for _, c := range conditional {
		set(look, []string{c.Name})
	}
	all[last+1] = look // of other numbers, and of other tables of numbers
	return all
}

// span is a range of numbers with the same verdict; it ends where the next begins.
type span struct {
	first uint32
	verdict
}

func spans(all []verdict) []span {
	var found []span
	for number, v := range all {
		if number == 0 || v != all[number-1] {
			found = append(found, span{uint32(number), v})
		}
	}
	return found
}

// search makes the steps that find the span of the number that was loaded. A verdict look
// is a jump of no width yet.
func search(s []span) []netbpf.Instruction {
	if len(s) == 1 && s[0].verdict == look {
		return []netbpf.Instruction{netbpf.Jump{}}
	}
	if len(s) == 1 {
		return []netbpf.Instruction{netbpf.RetConstant{Val: uint32(s[0].verdict)}}
	}
	half := len(s) / 2
	below, above := search(s[:half]), search(s[half:])
	return slices.Concat(isAtLeast(s[half].first, len(below)), below, above)
}

// isAtLeast skips some steps when the number is not below a bound. A jump on a condition
// reaches 255 steps.
func isAtLeast(bound uint32, skip int) []netbpf.Instruction {
	if skip <= 255 {
		return []netbpf.Instruction{netbpf.JumpIf{Cond: netbpf.JumpGreaterOrEqual, Val: bound, SkipTrue: uint8(skip)}}
	}
	return []netbpf.Instruction{
		netbpf.JumpIf{Cond: netbpf.JumpGreaterOrEqual, Val: bound, SkipFalse: 1},
		netbpf.Jump{Skip: uint32(skip)},
	}
}

// Where struct seccomp_data has its members, in bytes (linux/seccomp.h).
const (
	numberAt  = 0
	machineAt = 4
)

// before puts a search before the program that decides the rest: what the search leaves, and
// calls by another machine's table.
func before(machine *arch.Info, search, rest []netbpf.Instruction) []netbpf.Instruction {
	for i, step := range search {
		if step == (netbpf.Jump{}) {
			search[i] = netbpf.Jump{Skip: uint32(len(search) - i - 1)}
		}
	}
	return slices.Concat([]netbpf.Instruction{
		netbpf.LoadAbsolute{Off: machineAt, Size: 4},
		netbpf.JumpIf{Cond: netbpf.JumpEqual, Val: uint32(machine.ID), SkipTrue: 1},
		netbpf.Jump{Skip: uint32(len(search)) + 1},
		netbpf.LoadAbsolute{Off: numberAt, Size: 4},
	}, search, rest)
}

// deny makes a filter that takes a family away and leaves everything else as it is.
func deny(f family) ([]byte, error) {
	machine, err := thisMachine()
	if err != nil {
		return nil, err
	}
	steps, err := program(bpf.Policy{DefaultAction: bpf.ActionAllow, Syscalls: []bpf.SyscallGroup{
		{Action: bpf.ActionErrno, Names: known(machine, f.names)},
	}})
	if err != nil {
		return nil, err
	}
	return encode(steps)
}

func thisMachine() (*arch.Info, error) {
	machine, err := arch.GetInfo("")
	if err != nil {
		return nil, fmt.Errorf("seccomp: %w", err)
	}
	return machine, nil
}

func known(machine *arch.Info, names []string) (found []string) {
	for _, name := range names {
		if _, ok := machine.SyscallNames[name]; ok {
			found = append(found, name)
		}
	}
	return found
}

func program(p bpf.Policy) ([]netbpf.Instruction, error) {
	steps, err := p.Assemble()
	if err != nil {
		return nil, fmt.Errorf("assembling a seccomp filter: %w", err)
	}
	return steps, nil
}

func encode(program []netbpf.Instruction) ([]byte, error) {
	raw, err := netbpf.Assemble(program)
	if err != nil {
		return nil, fmt.Errorf("assembling a seccomp filter: %w", err)
	}
	all := make([]seccomp.Instruction, len(raw))
	for i, r := range raw {
		all[i] = seccomp.Instruction(r)
	}
	return seccomp.Encode(all), nil
}
