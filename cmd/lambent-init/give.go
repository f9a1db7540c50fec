package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/caps"
	"lambent.dev/lambent/internal/kernel/landlock"
	"lambent.dev/lambent/internal/kernel/seccomp"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// rights puts what a waiting command keeps into a pipe, which holds it all.
func (b *box) rights() (fd int, err error) {
	raw, err := json.Marshal(initproto.Rights{Writable: b.setup.Writable, Filter: b.setup.Final})
	if err != nil {
		return -1, err
	}
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return -1, os.NewSyscallError("pipe2", err)
	}
	defer func() { _ = unix.Close(ends[1]) }()
	if _, err := unix.Write(ends[1], raw); err != nil {
		_ = unix.Close(ends[0])
		return -1, os.NewSyscallError("write", err)
	}
	return ends[0], nil
}

// giveUp is what a waiting command runs first, as its own user: the init, whose rights
// commands inherit later, still needs them to attach mounts. command is a path and the
// arguments with the program's name, or nothing: then it comes.
func giveUp(rights string, command []string) error {
	fd, err := strconv.Atoi(rights)
	if err != nil {
		return fmt.Errorf("descriptor of its rights: %w", err)
	}
	pipe := os.NewFile(uintptr(fd), "rights")
	raw, err := io.ReadAll(pipe)
	if err != nil {
		return fmt.Errorf("reading its rights: %w", err)
	}
	_ = pipe.Close()
	var keep initproto.Rights
	if err := json.Unmarshal(raw, &keep); err != nil {
		return fmt.Errorf("reading its rights: %w", err)
	}
	if err := restrict(keep); err != nil {
		return err
	}
	if len(command) == 0 {
		start := fd - 1 // the last before the rights
		_ = becomeWaiter(start)
		return await(start) // where the kernel executes no program in memory (vm.memfd_noexec)
	}
	return &os.PathError{Op: "executing", Path: command[0], Err: syscall.Exec(command[0], command[1:], os.Environ())}
}

// await waits for what to execute, and says why it could not be. Without any, nobody needs
// the process.
func await(start int) error {
	unix.CloseOnExec(start)
	socket := os.NewFile(uintptr(start), "start")
	text, err := io.ReadAll(socket)
	if err != nil || len(text) == 0 {
		return err
	}
	w, err := initproto.ParseExecution(text)
	if err != nil {
		return err
	}
	err = os.Chdir(w.Dir)
	if err == nil {
		err = syscall.Exec(w.Path, w.Args, w.Env)
	}
	var errno syscall.Errno
	errors.As(err, &errno)
	_, _ = socket.Write(binary.NativeEndian.AppendUint32(nil, uint32(errno)))
	return err
}

func restrict(keep initproto.Rights) error {
	if err := caps.NoNewPrivileges(); err != nil {
		return err
	}
	if len(keep.Writable) > 0 {
		if err := landlock.AllowWrites(keep.Writable...); err != nil {
			return err
		}
	}
	if len(keep.Filter) == 0 {
		return nil
	}
	return seccomp.Install(keep.Filter)
}
