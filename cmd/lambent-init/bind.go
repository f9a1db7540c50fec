package main

import (
	"fmt"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/caps"
	"lambent.dev/lambent/internal/kernel/landlock"
	"lambent.dev/lambent/internal/kernel/mount"
	"lambent.dev/lambent/internal/kernel/seccomp"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// bind attaches a function's mounts.
func (b *box) bind(m *initproto.Bind, fds []int) error {
	if err := attach(m.Targets, fds); err != nil {
		return err
	}
	b.bound = true
	return nil
}

func attach(targets []string, mounts []int) error {
	if len(mounts) != len(targets) {
		return fmt.Errorf("%d mounts came for %d targets", len(mounts), len(targets))
	}
	for i, target := range targets {
		if err := mount.Attach(mounts[i], target); err != nil {
			return err
		}
	}
	return nil
}

// dropRights gives up everything that would let the init, or what it starts, change the
// box again. It comes after the answer to Bind and before the next request is read: a
// workload that waits in the box already does not wait for this. It goes from what needs rights to what takes them: the filter and
// Landlock may be set with no_new_privs or with CAP_SYS_ADMIN, which leave last.
func (b *box) dropRights(s *initproto.Setup) error {
	if !s.NewPrivileges {
		if err := caps.NoNewPrivileges(); err != nil {
			return err
		}
	}
	if b.rules >= 0 {
		if err := landlock.Restrict(b.rules); err != nil {
			return err
		}
		_ = unix.Close(b.rules)
	}
	if len(s.Final) > 0 {
		if err := seccomp.Install(s.Final); err != nil {
			return err
		}
	}
	if s.Privileged {
		return nil
	}
	if s.Dumpable {
		return caps.Keep() // nothing sets it above a command
	}
	return caps.Keep(unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_KILL)
}
