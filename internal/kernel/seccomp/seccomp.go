package seccomp

import (
	"encoding/binary"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// instruction is the size of struct sock_filter in bytes.
const instruction = 8

// longest is BPF_MAXINSNS of linux/bpf_common.h, in instructions.
const longest = 4096

// Instruction is one step of a classic BPF program (struct sock_filter).
type Instruction struct {
	Op     uint16
	Jt, Jf uint8
	K      uint32
}

// Encode turns a program into the bytes that Install takes, in this machine's byte order.
func Encode(program []Instruction) []byte {
	raw := make([]byte, 0, len(program)*instruction)
	for _, i := range program {
		raw = binary.NativeEndian.AppendUint16(raw, i.Op)
		raw = append(raw, i.Jt, i.Jf)
		raw = binary.NativeEndian.AppendUint32(raw, i.K)
	}
	return raw
}

// Install puts all threads of the process under the filter, for ever. The process
// must have no_new_privs or CAP_SYS_ADMIN.
func Install(filter []byte) error { return install(filter, unix.SECCOMP_FILTER_FLAG_TSYNC) }

// InstallThread puts the calling thread, which must be locked, and what it starts under the
// filter, for ever. The conditions are Install's.
func InstallThread(filter []byte) error { return install(filter, 0) }

func install(filter []byte, flags uintptr) error {
	count := len(filter) / instruction
	if len(filter)%instruction != 0 || count == 0 || count > longest {
		return fmt.Errorf("a seccomp filter of %d bytes is not a program", len(filter))
	}
	program := unix.SockFprog{Len: uint16(count), Filter: (*unix.SockFilter)(unsafe.Pointer(&filter[0]))}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		flags, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return os.NewSyscallError("seccomp", errno)
	}
	if thread != 0 {
		return fmt.Errorf("seccomp: thread %d cannot take the filter", thread)
	}
	return nil
}
