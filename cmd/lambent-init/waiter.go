package main

import (
	"encoding/binary"
	"errors"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// A command that waits for a program to execute is a program of one page and no more: the
// kernel has to take apart what executes, and of a Go program that is five threads and some
// hundred pages, half a millisecond in which a request waits.

const (
	waiterBase    = 0x400000
	waiterFD      = 3   // where it is told what to execute; the assembly knows it, too
	maxWaiterCode = 512 // bytes; it has some 150
)

var errNoWaiter = errors.New("there is no program that waits on this machine, or not with these descriptors")

// becomeWaiter goes on as the program that waits. It returns only with an error.
func becomeWaiter(start int) error {
	code := waiterCode()
	if code == nil || start != waiterFD {
		return errNoWaiter
	}
	program, err := writeProgram(waiterProgram(code))
	if err != nil {
		return err
	}
	path := "/proc/self/fd/" + strconv.Itoa(program)
	return &os.PathError{Op: "executing", Path: path, Err: syscall.Exec(path, []string{"lambent-init", "wait"}, nil)}
}

// writeProgram puts a program into memory. No file that somebody could change stands for it.
func writeProgram(program []byte) (fd int, err error) {
	if fd, err = unix.MemfdCreate("wait", unix.MFD_CLOEXEC); err != nil {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	if _, err := unix.Write(fd, program); err != nil {
		return -1, os.NewSyscallError("write", err)
	}
	return fd, nil
}

// What ELF has for them, of the specification (gABI 4.1) and its supplement for amd64.
const (
	elfHead, elfSegment = 64, 56 // bytes of either table's entry
	elfExecutable       = 2
	elfLoad, elfStack   = 1, 0x6474e551
	elfX, elfW, elfR    = 1, 2, 4
)

// waiterProgram is a static program for Linux: its code, and memory for what it reads.
func waiterProgram(code []byte) []byte {
	const heads = 3
	const before = elfHead + heads*elfSegment
	whole, page := uint64(before+len(code)), uint64(os.Getpagesize())
	program := []byte{0x7f, 'E', 'L', 'F', 2, 1, 1, 15: 0} // 64 bits, little-endian, version 1
	program = elfFields(program, uint16(elfExecutable), waiterMachine, uint32(1), uint64(waiterBase+before), uint64(elfHead), uint64(0),
		uint32(0), uint16(elfHead), uint16(elfSegment), uint16(heads), uint16(0), uint16(0), uint16(0))
	for _, s := range [heads]struct {
		kind, flags         uint32
		address, file, size uint64
	}{
		{elfLoad, elfR | elfX, waiterBase, whole, whole},
		{elfLoad, elfR | elfW, initproto.ExecutionBase, 0, initproto.MaxExecution},
		{elfStack, elfR | elfW, 0, 0, 0},
	} {
		program = elfFields(program, s.kind, s.flags, uint64(0), s.address, uint64(0), s.file, s.size, page)
	}
	return append(program, code...)
}

// elfFields adds numbers of fixed sizes.
func elfFields(program []byte, all ...any) []byte {
	for _, field := range all {
		program, _ = binary.Append(program, binary.LittleEndian, field)
	}
	return program
}
