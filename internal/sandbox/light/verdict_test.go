package light

import (
	"encoding/binary"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// judge runs the filter, as the kernel would, on a call (struct seccomp_data of
// linux/seccomp.h: number, architecture, program counter, arguments).
type judge func(architecture, number uint32, args ...uint64) uint32

func newJudge(t *testing.T) (judge, *arch.Info) {
	t.Helper()
	raw, err := assemble(policy)
	vm := decoded(t, raw, err)
	machine, err := arch.GetInfo("")
	if err != nil {
		t.Fatal(err)
	}
	return func(architecture, number uint32, args ...uint64) uint32 {
		got, err := vm.Run(call(architecture, number, args))
		if err != nil {
			t.Fatal(err)
		}
		return uint32(got)
	}, machine
}

// call lays out a call for a machine that loads big-endian words, each half of an argument by
// itself, in the order of this one.
func call(architecture, number uint32, args []uint64) []byte {
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data, number)
	binary.BigEndian.PutUint32(data[4:], architecture)
	low, high := 0, 4
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		low, high = 4, 0
	}
	for i, arg := range args {
		binary.BigEndian.PutUint32(data[16+8*i+low:], uint32(arg))
		binary.BigEndian.PutUint32(data[16+8*i+high:], uint32(arg>>32))
	}
	return data
}

const (
	refused  = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	notThere = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
)

// Every number that there is, and more: what the table does not name is refused.
func TestFilterAllowsThePolicyAndNothingElse(t *testing.T) {
	judge, machine := newJudge(t)
	allowed, missing, _, err := Calls()
	if err != nil {
		t.Fatal(err)
	}
	names := map[int]string{}
	for name, number := range machine.SyscallNames {
		names[number] = name
	}
	for number := range 2048 {
		want := refused
		switch {
		case depends(names[number]):
			continue
		case allowed[number] != "":
			want = unix.SECCOMP_RET_ALLOW
		case missing[number] != "":
			want = notThere
		}
		if got := judge(uint32(machine.ID), uint32(number)); got != want {
			t.Errorf("%d %s: %#x, want %#x", number, names[number], got, want)
		}
	}
}

// The same numbers mean other calls to a 32-bit program and to one of the x32 kind.
func TestFilterRefusesOtherKindsOfPrograms(t *testing.T) {
	judge, machine := newJudge(t)
	const x32 = 0x40000000 // __X32_SYSCALL_BIT of asm/unistd.h
	for number := range uint32(1024) {
		for _, other := range []*arch.Info{arch.I386, arch.ARM, arch.X86_64, arch.AARCH64} {
			if other.ID != machine.ID && judge(uint32(other.ID), number) == unix.SECCOMP_RET_ALLOW {
				t.Errorf("%s: %d is allowed", other.Name, number)
			}
		}
		if judge(uint32(machine.ID), number|x32) == unix.SECCOMP_RET_ALLOW {
			t.Errorf("x32: %d is allowed", number)
		}
	}
}

func TestFilterLooksAtArguments(t *testing.T) {
	judge, machine := newJudge(t)
	allows := func(name string, args ...uint64) bool {
		number, found := machine.SyscallNames[name]
		return found && judge(uint32(machine.ID), uint32(number), args...) == unix.SECCOMP_RET_ALLOW
	}
	const thread = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD
	if !allows("clone", thread) || !allows("clone", uint64(unix.SIGCHLD)) {
		t.Error("threads and processes are refused")
	}
	for bit := range 64 {
		if flag := uint64(1) << bit; flag&newNamespaces != 0 && (allows("clone", flag) || allows("clone", thread|flag)) {
			t.Errorf("clone with flag %#x is allowed", flag)
		}
	}
	for family := range uint64(64) {
		plain := family == unix.AF_UNIX || family == unix.AF_INET || family == unix.AF_INET6
		if allows("socket", family, unix.SOCK_STREAM, 0) != (plain || family == unix.AF_NETLINK) {
			t.Errorf("sockets of family %d", family)
		}
		if allows("socket", unix.AF_NETLINK, unix.SOCK_RAW, family) != (family == unix.NETLINK_ROUTE) {
			t.Errorf("netlink of protocol %d", family)
		}
		if allows("socket", family|1<<32, 0, 0) && !plain && family != unix.AF_NETLINK {
			t.Errorf("family %d with more above it", family)
		}
		if allows("socketpair", family, unix.SOCK_STREAM, 0) != (family == unix.AF_UNIX) {
			t.Errorf("pairs of family %d", family)
		}
		if value := uint64(1) << family; allows("personality", value) != (value == addrNoRandomize) {
			t.Errorf("personality %#x", value)
		}
	}
}

// Every family says why functions need it.
func TestPolicyHasReasons(t *testing.T) {
	for _, f := range policy {
		if len(f.reason) < 10 || len(f.names) == 0 {
			t.Errorf("family %q of %v", f.reason, f.names)
		}
	}
}
