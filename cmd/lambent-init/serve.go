package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"lambent.dev/lambent/internal/kernel/reaper"
	"lambent.dev/lambent/internal/sandbox/light/initproto"
)

// box is the init's state. Its methods run on the main thread, one after the other.
type box struct {
	control  int
	setup    *initproto.Setup
	oom      *score
	null     int
	rules    int // of Landlock, ready for dropRights; -1 = none
	bound    bool
	children *reaper.Reaper
}

// serve answers requests until the daemon is gone.
func serve(control int) error {
	// Not by who spawned it: Go takes a child in another pid namespace for an orphan.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl(PR_SET_PDEATHSIG)", err)
	}
	b := &box{control: control, null: -1, rules: -1}
	b.children = reaper.New(b.ended)
	packet := make([]byte, initproto.MaxPacket)
	for {
		request, fds, err := initproto.Receive(control, packet)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = b.answer(request, fds)
		}
		closeAll(fds)
		if err != nil {
			return err
		}
	}
}

// answer carries a request out and replies to it.
func (b *box) answer(r initproto.Request, fds []int) error {
	reply := initproto.Message{Seq: r.Seq}
	err := b.do(r, fds)
	if err != nil {
		reply = initproto.Failure(r.Seq, err)
	}
	if told := initproto.Send(b.control, reply); told != nil || err != nil || r.Bind == nil {
		return told
	}
	yield()
	return b.dropRights(b.setup)
}

// yield lets who was just told something go on: Linux wakes the reader of a socket on the CPU of
// the writer, in the belief that this one is about to wait, and there it would wait for what
// comes next here.
func yield() { _, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }

func (b *box) do(r initproto.Request, fds []int) error {
	switch {
	case r.Setup != nil && b.setup == nil:
		return b.finish(r.Setup, fds)
	case r.Attach != nil && b.setup != nil && !b.bound:
		return attach(r.Attach.Targets, fds)
	case r.Bind != nil && b.setup != nil && !b.bound:
		return b.bind(r.Bind, fds)
	case r.Run != nil && b.setup != nil && b.bound != r.Run.Waits:
		return b.run(r.Run, fds)
	case r.Signal != nil:
		return b.children.Signal(r.Signal.ID, r.Signal.Number)
	case r.Reset != nil:
		b.children.KillAll()
		return nil
	}
	return fmt.Errorf("request %d is out of order", r.Seq)
}

// ended reports a command's end. A failure needs no handling: it means that the
// daemon is gone, and serve sees that too.
func (b *box) ended(e reaper.Exit) {
	exit := initproto.Exit(e)
	_ = initproto.Send(b.control, initproto.Message{Exit: &exit})
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}
