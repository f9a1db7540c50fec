package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/caps"
	"lambent.dev/lambent/internal/kernel/landlock"
	"lambent.dev/lambent/internal/kernel/seccomp"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// rights puts what a waiting command keeps into a pipe, which holds it all.
func (b *box) rights() (fd int, err error) {
	raw, err := json.Marshal(initproto.Rights{Writable: b.setup.Writable, Filter: b.setup.Filter})
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
// commands inherit later, still needs them to attach mounts.
func giveUp(path string, args []string) error {
	pipe := os.NewFile(initproto.RightsFD, "rights")
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
	return &os.PathError{Op: "executing", Path: path, Err: syscall.Exec(path, args, os.Environ())}
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
	return seccomp.Install(keep.Filter)
}
