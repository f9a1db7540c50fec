package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/caps"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// run starts a command. Its descriptors are closed by the caller.
func (b *box) run(r *initproto.Run, fds []int) error {
	want := 2
	if r.Stream {
		want++
	}
	if r.Waits {
		want++
	}
	if len(fds) != want {
		return fmt.Errorf("%d descriptors came for a command that needs %d", len(fds), want)
	}
	return b.children.Start(r.ID, func() (int, error) { return b.fork(r, fds) })
}

func (b *box) fork(r *initproto.Run, fds []int) (pid int, err error) {
	if r.Waits {
		rights, err := b.rights()
		if err != nil {
			return 0, err
		}
		defer func() { _ = unix.Close(rights) }()
		fds = append(slices.Clip(fds), rights)
		give := []string{"lambent-init", initproto.Give, strconv.Itoa(len(fds))} // 0 is not in fds
		if r.Path != "" {
			give = append(append(give, r.Path), r.Args...)
		}
		r.Path, r.Args = initproto.Path, give
	}
	err = b.oom.raised(scoreOfCommand, func() (err error) {
		pid, err = syscall.ForkExec(r.Path, r.Args, b.attributes(r, fds))
		return err
	})
	if err != nil {
		return 0, &os.PathError{Op: "starting", Path: r.Path, Err: err}
	}
	return pid, nil
}

func (b *box) attributes(r *initproto.Run, fds []int) *syscall.ProcAttr {
	files := []uintptr{uintptr(b.null)}
	for _, fd := range fds {
		files = append(files, uintptr(fd))
	}
	sys := &syscall.SysProcAttr{Setsid: true}
	if !b.setup.Dumpable {
		sys.Credential = &syscall.Credential{Uid: uint32(b.setup.UID), Gid: uint32(b.setup.GID)}
	}
	if b.setup.Privileged {
		sys.AmbientCaps = caps.Held()
	}
	return &syscall.ProcAttr{Dir: r.Dir, Env: r.Env, Files: files, Sys: sys}
}
