package main

import (
	"runtime"

	"lambent.dev/lambent/internal/kernel/caps"
	"lambent.dev/lambent/internal/kernel/seccomp"
	"lambent.dev/lambent/internal/sandbox/agent/agentproto"
)

// launcher is a thread that starts commands. What it can do, and where it is, they inherit: the
// control groups, no new privileges, the filter of system calls.
type launcher struct {
	jobs chan func()
}

func startLauncher(g *groups, s *agentproto.Guest) (*launcher, error) {
	l, ready := &launcher{jobs: make(chan func())}, make(chan error)
	go l.serve(g, s, ready)
	return l, <-ready
}

// serve ends with the box.
func (l *launcher) serve(g *groups, s *agentproto.Guest, ready chan<- error) {
	runtime.LockOSThread()
	err := restrict(g, s)
	ready <- err
	if err != nil {
		return
	}
	for job := range l.jobs {
		job()
	}
}

// restrict gives up what commands must not have.
func restrict(g *groups, s *agentproto.Guest) error {
	if err := g.enter(); err != nil {
		return err
	}
	if !s.NewPrivileges {
		if err := caps.NoNewPrivileges(); err != nil {
			return err
		}
	}
	if len(s.Filter) == 0 {
		return nil
	}
	return seccomp.InstallThread(s.Filter)
}

func (l *launcher) do(f func() (int, error)) (pid int, err error) {
	done := make(chan struct{})
	l.jobs <- func() {
		defer close(done)
		pid, err = f()
	}
	<-done
	return pid, err
}
