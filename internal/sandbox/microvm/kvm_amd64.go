package microvm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests of KVM (the kernel's Documentation/virt/kvm/api.rst, numbers from linux/kvm.h on x86-64).
const (
	kvmGetAPIVersion = 0xae00
	kvmCreateVM      = 0xae01
	kvmGetRunSize    = 0xae04
	kvmCreateCPU     = 0xae41
	kvmSetMemory     = 0x4020ae46
	kvmRun           = 0xae80
	kvmSetRegisters  = 0x4090ae82
	kvmGetSpecial    = 0x8138ae83
	kvmSetSpecial    = 0x4138ae84

	kvmAPIVersion = 12
	exitHalted    = 5
)

const (
	// loopLimit is what a thousand instructions may take: a processor needs some microseconds, a
	// kernel that interprets them a millisecond.
	loopLimit = 500 * time.Microsecond
)

// Programs of the trial. The first does what some interpreters of guests cannot: paddb xmm0,
// xmm1; popcnt; a locked 16-byte compare and exchange.
var (
	trialWide = []byte{0x66, 0x0f, 0xfc, 0xc1, 0xf3, 0x0f, 0xb8, 0xc1, 0xf0, 0x48, 0x0f, 0xc7, 0x0c, 0x25, 0x00, 0x10, 0x00, 0x00, 0xf4}
	trialLoop = []byte{0xb9, 0xe8, 0x03, 0x00, 0x00, 0xe2, 0xfe, 0xf4} // 1000 times loop; hlt
)

// trial is a machine of 64 KiB without devices.
type trial struct {
	kvm, vm, cpu int
	memory, run  []byte
}

// tryKVM is nil where a 64-bit guest runs at a processor's speed. It takes about 2 ms.
func tryKVM() error {
	runtime.LockOSThread() // a processor belongs to the thread that runs it
	defer runtime.UnlockOSThread()
	t := &trial{kvm: -1, vm: -1, cpu: -1}
	defer t.close()
	if err := t.open(); err != nil {
		return err
	}
	if err := t.execute(trialWide); err != nil {
		return err
	}
	if err := t.execute(trialLoop); err != nil { // once to make what it needs
		return err
	}
	began := time.Now()
	if err := t.execute(trialLoop); err != nil {
		return err
	}
	if took := time.Since(began); took > loopLimit {
		return fmt.Errorf("%s interprets guests: a thousand instructions took %v", kvmDevice, took)
	}
	return nil
}

func ioctl(fd int, request, argument uintptr) (int, error) {
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, argument)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

func (t *trial) open() (err error) {
	if t.kvm, err = unix.Open(kvmDevice, unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return &os.PathError{Op: "open", Path: kvmDevice, Err: err}
	}
	if version, err := ioctl(t.kvm, kvmGetAPIVersion, 0); err != nil || version != kvmAPIVersion {
		return fmt.Errorf("%s has version %d of its interface, want %d", kvmDevice, version, kvmAPIVersion)
	}
	if t.vm, err = ioctl(t.kvm, kvmCreateVM, 0); err != nil {
		return fmt.Errorf("making a machine: %w", err)
	}
	if t.memory, err = unix.Mmap(-1, 0, 64<<10, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS); err != nil {
		return os.NewSyscallError("mmap", err)
	}
	region := struct {
		slot, flags         uint32
		guest, size, memory uint64
	}{size: uint64(len(t.memory)), memory: uint64(uintptr(unsafe.Pointer(&t.memory[0])))}
	if _, err = ioctl(t.vm, kvmSetMemory, uintptr(unsafe.Pointer(&region))); err != nil {
		return fmt.Errorf("giving a machine memory: %w", err)
	}
	return t.openCPU()
}

func (t *trial) openCPU() (err error) {
	if t.cpu, err = ioctl(t.vm, kvmCreateCPU, 0); err != nil {
		return fmt.Errorf("making a processor: %w", err)
	}
	size, err := ioctl(t.kvm, kvmGetRunSize, 0)
	if err != nil {
		return fmt.Errorf("asking for a processor's state: %w", err)
	}
	if t.run, err = unix.Mmap(t.cpu, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return os.NewSyscallError("mmap", err)
	}
	return t.longMode()
}

// Where things lie in the machine's memory.
const (
	levelFour  = 0x4000
	levelThree = 0x5000
	levelTwo   = 0x6000
	codeAt     = 0x8000
)

// longMode sets the processor up for 64-bit programs: one page of 2 MiB, mapped to itself, and flat
// segments (Intel's Software Developer's Manual, volume 3, 4.5 and 9.8.5).
func (t *trial) longMode() error {
	binary.LittleEndian.PutUint64(t.memory[levelFour:], levelThree|3)
	binary.LittleEndian.PutUint64(t.memory[levelThree:], levelTwo|3)
	binary.LittleEndian.PutUint64(t.memory[levelTwo:], 0x83)
	var s [312]byte // struct kvm_sregs: eight segments of 24 bytes, two tables of 16, seven registers
	if _, err := ioctl(t.cpu, kvmGetSpecial, uintptr(unsafe.Pointer(&s[0]))); err != nil {
		return fmt.Errorf("reading a processor's state: %w", err)
	}
	for i := range 6 {
		segment := s[24*i : 24*i+24]
		clear(segment)
		binary.LittleEndian.PutUint32(segment[8:], 0xffffffff)
		binary.LittleEndian.PutUint16(segment[12:], 0x10)
		copy(segment[14:], []byte{3, 1, 0, 1, 1, 0, 1}) // data, present, 32 bits, not the system's, 4 KiB units
	}
	binary.LittleEndian.PutUint16(s[12:], 8)
	copy(s[14:], []byte{11, 1, 0, 0, 1, 1, 1})                                              // code, 64 bits
	for i, value := range map[int]uint64{0: 0x80050033, 2: levelFour, 3: 0x620, 5: 0x501} { // cr0, cr3, cr4, efer
		binary.LittleEndian.PutUint64(s[224+8*i:], value)
	}
	if _, err := ioctl(t.cpu, kvmSetSpecial, uintptr(unsafe.Pointer(&s[0]))); err != nil {
		return fmt.Errorf("setting a processor up: %w", err)
	}
	return nil
}

// execute runs a program to its hlt.
func (t *trial) execute(program []byte) error {
	copy(t.memory[codeAt:], program)
	var registers [144]byte // struct kvm_regs: 16 of them, rip, rflags
	binary.LittleEndian.PutUint64(registers[128:], codeAt)
	binary.LittleEndian.PutUint64(registers[136:], 2)
	if _, err := ioctl(t.cpu, kvmSetRegisters, uintptr(unsafe.Pointer(&registers[0]))); err != nil {
		return fmt.Errorf("setting registers: %w", err)
	}
	end := time.Now().Add(trialLimit)
	process, thread := os.Getpid(), unix.Gettid()
	// The signal, which Go's runtime uses for such things, ends the call.
	stop := time.AfterFunc(trialLimit, func() { _ = unix.Tgkill(process, thread, unix.SIGURG) })
	defer stop.Stop()
	for {
		_, err := ioctl(t.cpu, kvmRun, 0)
		if errors.Is(err, unix.EINTR) && time.Now().Before(end) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s does not run guests: %w", kvmDevice, err)
		}
		break
	}
	if reason := binary.LittleEndian.Uint32(t.run[8:]); reason != exitHalted {
		return fmt.Errorf("%s does not run ordinary guests: a trial program ended with reason %d, want %d", kvmDevice, reason, exitHalted)
	}
	return nil
}

func (t *trial) close() {
	for _, fd := range []int{t.cpu, t.vm, t.kvm} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	for _, m := range [][]byte{t.run, t.memory} {
		if m != nil {
			_ = unix.Munmap(m)
		}
	}
}
