package light

import (
	"encoding/binary"
	"testing"

	bpf "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	netbpf "golang.org/x/net/bpf"
)

// plain is what the filter has to answer: the library's own program for the same policy.
func plain(t *testing.T, machine *arch.Info) *netbpf.VM {
	t.Helper()
	allow := bpf.SyscallGroup{Action: bpf.ActionAllow, NamesWithCondtions: conditional}
	for _, f := range policy {
		allow.Names = append(allow.Names, known(machine, f.names)...)
	}
	steps, err := program(bpf.Policy{DefaultAction: bpf.ActionErrno, Syscalls: []bpf.SyscallGroup{
		allow, {Action: bpf.ActionErrno | bpf.Action(38), Names: known(machine, absent)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return virtual(t, steps)
}

func virtual(t *testing.T, steps []netbpf.Instruction) *netbpf.VM {
	t.Helper()
	vm, err := netbpf.NewVM(steps)
	if err != nil {
		t.Fatal(err)
	}
	return vm
}

// decoded is a filter as it goes to the kernel.
func decoded(t *testing.T, raw []byte, err error) *netbpf.VM {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var steps []netbpf.Instruction
	for ; len(raw) > 0; raw = raw[8:] {
		steps = append(steps, netbpf.RawInstruction{
			Op: binary.NativeEndian.Uint16(raw), Jt: raw[2], Jf: raw[3], K: binary.NativeEndian.Uint32(raw[4:]),
		}.Disassemble())
	}
	return virtual(t, steps)
}

func TestFilterAnswersAsThePolicySays(t *testing.T) {
	machine, err := thisMachine()
	if err != nil {
		t.Skip(err)
	}
	raw, err := assemble(policy)
	want, got := plain(t, machine), decoded(t, raw, err)
	answers := map[int]int{}
	for _, id := range []uint32{uint32(machine.ID), uint32(arch.I386.ID), 0} {
		for number := range uint32(1 << 10) {
			for _, number := range []uint32{number, number | 1<<30, number | 1<<31} {
				for _, argument := range []uint64{0, 1, 2, 10, 16, 40, 0x0040000, 0xffffffff, newNamespaces, 1 << 40} {
					packet := call(id, number, []uint64{argument, 0, argument})
					w, wrong := want.Run(packet)
					g, failed := got.Run(packet)
					if wrong != nil || failed != nil || w != g {
						t.Fatalf("call %d of machine %x with %x: %x, %v; want %x, %v", number, id, argument, g, failed, w, wrong)
					}
					answers[g]++
				}
			}
		}
	}
	if len(answers) != 3 {
		t.Errorf("the filter gave the answers %x; want allowed, denied and unknown", answers)
	}
}

func TestFilterDecidesNumbersInFewSteps(t *testing.T) {
	machine, err := thisMachine()
	if err != nil {
		t.Skip(err)
	}
	all := spans(verdicts(machine, policy))
	if deepest := depth(search(all)); deepest > 10 {
		t.Errorf("a number of %d spans takes up to %d steps", len(all), deepest)
	}
}

// depth is how many steps a search takes at most.
func depth(steps []netbpf.Instruction) int {
	switch s := steps[0].(type) {
	case netbpf.JumpIf:
		if s.SkipFalse == 1 {
			far := steps[1].(netbpf.Jump)
			return 2 + max(depth(steps[2:]), depth(steps[2+far.Skip:]))
		}
		return 1 + max(depth(steps[1:]), depth(steps[1+int(s.SkipTrue):]))
	default:
		return 1
	}
}

func TestAttachingIsTakenAway(t *testing.T) {
	machine, err := thisMachine()
	if err != nil {
		t.Skip(err)
	}
	before, err := assemble(append([]family{attaching}, policy...))
	first := decoded(t, before, err)
	after, err := deny(attaching)
	final := decoded(t, after, err)
	for name, want := range map[string][2]verdict{"move_mount": {allowed, denied}, "read": {allowed, allowed}, "open_tree": {denied, allowed}} {
		packet := call(uint32(machine.ID), uint32(machine.SyscallNames[name]), nil)
		one, err1 := first.Run(packet)
		two, err2 := final.Run(packet)
		if err1 != nil || err2 != nil || verdict(one) != want[0] || verdict(two) != want[1] {
			t.Errorf("%s: the filters answer %x and %x (%v, %v), want %x", name, one, two, err1, err2, want)
		}
	}
}
