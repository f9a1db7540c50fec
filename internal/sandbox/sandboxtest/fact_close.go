package sandboxtest

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

func closeFacts() []fact {
	return []fact{
		{name: "CloseTwice", test: closeTwice},
		{name: "CloseOfTheUnbound", test: closeOfTheUnbound},
		{name: "CloseAfterAFailedBind", test: closeAfterAFailedBind},
		{name: "CloseEndsProcesses", test: closeEndsProcesses},
		{name: "CloseEndsWhatDetachedItself", test: closeEndsWhatDetachedItself},
		{name: "CloseEndsStreams", test: closeEndsStreams},
		{name: "CloseFreesTmp", test: closeFreesTmp},
		{name: "CloseMayBeTriedAgain", test: closeMayBeTriedAgain},
		{name: "DoneAndErrBeforeClose", test: doneAndErrBefore},
		{name: "DoneAndErrAfterClose", test: doneAndErrAfter},
		{name: "EverythingFailsAfterClose", test: everythingFailsAfterClose},
		{name: "EverythingFailsAfterCloseUnbound", test: everythingFailsAfterCloseUnbound},
		{name: "OneBoxDoesNotTouchAnother", test: oneBoxDoesNotTouchAnother},
		{name: "BoxThatDiesSaysSo", test: boxThatDiesSaysSo, needs: isolates},
	}
}

func closeTwice(r *rig) {
	box := r.bound()
	r.close(box)
	r.close(box)
}

func closeOfTheUnbound(r *rig) { r.close(r.generic()) }

func closeAfterAFailedBind(r *rig) {
	box := r.generic()
	w := r.workload()
	w.Mounts = append(w.Mounts, sandbox.Mount{Source: "/no/such/folder", Target: "/opt"})
	if err := box.Bind(r.ctx(), w); err == nil {
		r.Fatal("Bind took a folder that does not exist")
	}
	r.close(box)
}

func closeEndsProcesses(r *rig) {
	box := r.bound()
	p := r.start(box, probe("sleep"))
	r.close(box)
	if e := r.exit(p); !killed(e) {
		r.Errorf("exit = %+v, want SIGKILL", e)
	}
	r.want("Signal after Close", p.Signal(os.Interrupt), os.ErrProcessDone)
	if err := p.Sync(r.ctx()); err != nil {
		r.Errorf("Sync after Close: %v", err)
	}
}

func closeEndsWhatDetachedItself(r *rig) {
	box := r.bound()
	r.beating(box, "leave")
	if alive := beating(r); len(alive) != 1 {
		r.Fatalf("before Close the host sees %q", alive)
	}
	r.close(box)
	if alive := beating(r); len(alive) > 0 {
		r.Errorf("alive after Close: %q", alive)
	}
}

// beating lists the processes of the host that rig.beating made.
func beating(r *rig) []string {
	return slices.DeleteFunc(Take(r, "").processes(), func(p string) bool { return !strings.Contains(p, "beat /") })
}

func closeEndsStreams(r *rig) {
	box := r.bound()
	r.stream(box, "echo")
	conn := r.open(box)
	r.speak(conn)
	r.close(box)
	r.expectEnd(conn)
}

func closeFreesTmp(r *rig) {
	box := r.bound()
	before := Take(r, r.config.Dir)
	r.output(box, "write", "/tmp/a-file-of-the-box", "1")
	r.close(box)
	if added := Take(r, r.config.Dir).filesNotIn(before); len(added) > 0 {
		r.Errorf("left after Close: %q", added)
	}
}

// closeMayBeTriedAgain: Close that was cut short is completed by the next one.
func closeMayBeTriedAgain(r *rig) {
	box := r.bound()
	r.start(box, probe("sleep"))
	if err := box.Close(r.cancelled()); err != nil && !errors.Is(err, errCaller) {
		r.Errorf("Close with a cancelled context: %v", err)
	}
	r.close(box)
	<-box.Done()
}

func doneAndErrBefore(r *rig) {
	box := r.bound()
	select {
	case <-box.Done():
		r.Error("a living box is done")
	default:
	}
	if err := box.Err(); err != nil {
		r.Errorf("Err of a living box = %v", err)
	}
}

func doneAndErrAfter(r *rig) {
	box := r.bound()
	r.close(box)
	select {
	case <-box.Done():
	default:
		r.Error("Done is not closed after Close")
	}
	r.want("Err after Close", box.Err(), sandbox.ErrClosed)
}

func everythingFailsAfterClose(r *rig) {
	box := r.bound()
	r.close(box)
	r.allClosed(box)
}

func everythingFailsAfterCloseUnbound(r *rig) {
	box := r.generic()
	r.close(box)
	r.allClosed(box)
}

func (r *rig) allClosed(box sandbox.Sandbox) {
	r.Helper()
	for name, err := range r.all(box) {
		r.want(name+" after Close", err, sandbox.ErrClosed)
	}
}

func oneBoxDoesNotTouchAnother(r *rig) {
	one, two := r.bound(), r.bound()
	p := r.start(two, probe("sleep"))
	r.reset(one)
	r.close(one)
	select {
	case <-p.Done():
		r.Errorf("another box's process ended: %+v", p.Exit())
	case <-after(shortWhile):
	}
}

// boxThatDiesSaysSo kills everything of a box from the host, its init included.
func boxThatDiesSaysSo(r *rig) {
	id := r.id()
	box := r.create(id)
	if err := box.Bind(r.ctx(), r.workload()); err != nil {
		r.Fatalf("Bind: %v", err)
	}
	p := r.start(box, probe("sleep"))
	r.killFromOutside(id)
	select {
	case <-box.Done():
	case <-after(opTimeout):
		r.Fatal("a dead box is not done")
	}
	if box.Err() == nil {
		r.Error("a dead box has no error")
	}
	if e := r.exit(p); !killed(e) {
		r.Errorf("exit = %+v, want SIGKILL", e)
	}
	r.allClosed(box)
}

// killFromOutside kills the host's processes that belong to a box by their control group or
// their command line.
func (r *rig) killFromOutside(id string) {
	r.Helper()
	ours, err := ourProcesses()
	if err != nil {
		r.Fatal(err)
	}
	found := false
	for pid, line := range ours {
		group, _ := os.ReadFile("/proc/" + pid + "/cgroup") // it may have ended
		if !strings.Contains(string(group)+line, id) {
			continue
		}
		found = true
		number, _ := strconv.Atoi(pid)            // listed as a number
		_ = syscall.Kill(number, syscall.SIGKILL) // it may have died with its init
	}
	if !found {
		r.Fatalf("no process of the host belongs to box %s", id)
	}
}

func concurrencyFacts() []fact {
	return []fact{
		{name: "ManyCreatesAtOnce", test: manyCreatesAtOnce},
		{name: "ManyRunsAtOnce", test: manyRunsAtOnce},
		{name: "ManyOpensAtOnce", test: manyOpensAtOnce},
		{name: "BindRace", test: bindRace},
		{name: "CloseRace", test: closeRace},
		{name: "CloseWhileRunning", test: closeWhile(func(r *rig, box sandbox.Sandbox) error {
			_, err := box.Run(r.Context(), probe("nap", "1"))
			return err
		})},
		{name: "CloseWhileResetting", test: closeWhile(func(r *rig, box sandbox.Sandbox) error {
			return box.Reset(r.Context())
		})},
		{name: "CloseWhileOpening", test: closeWhile(openAndClose)},
		{name: "CloseWhileOpenWaits", test: closeWhileOpenWaits},
		{name: "CloseWhileListening", test: closeWhile(listenAndClose)},
		{name: "CloseWhileReadingUsage", test: closeWhile(func(r *rig, box sandbox.Sandbox) error {
			_, err := box.Usage(r.Context())
			return err
		})},
		{name: "CloseWhileSyncing", test: closeWhileSyncing},
	}
}

// manyAtOnce is how many calls are made at the same time.
const manyAtOnce = 16

// atOnce calls f many times at the same time.
func atOnce(f func()) {
	var all sync.WaitGroup
	for range manyAtOnce {
		all.Go(f)
	}
	all.Wait()
}

func manyCreatesAtOnce(r *rig) {
	atOnce(func() {
		box, err := r.template.Create(r.ctx(), r.id())
		if err != nil {
			r.Errorf("Create: %v", err)
			return
		}
		if err := box.Bind(r.ctx(), r.workload()); err != nil {
			r.Errorf("Bind: %v", err)
		} else if p, err := box.Run(r.ctx(), probe("exit", "3")); err != nil {
			r.Errorf("Run: %v", err)
		} else if <-p.Done(); p.Exit().Code != 3 {
			r.Errorf("exit = %+v", p.Exit())
		}
		r.close(box)
	})
}

func manyRunsAtOnce(r *rig) {
	box := r.bound(func(w *sandbox.Workload) { w.Pids, w.Memory = 512, 512<<20 })
	atOnce(func() {
		p, err := box.Run(r.ctx(), probe("exit", "3"))
		if err != nil {
			r.Errorf("Run: %v", err)
			return
		}
		if <-p.Done(); p.Exit() != (sandbox.Exit{Code: 3}) {
			r.Errorf("exit = %+v", p.Exit())
		}
	})
}

func manyOpensAtOnce(r *rig) {
	box := r.bound()
	r.stream(box, "echo")
	atOnce(func() {
		conn, err := box.Open(r.ctx())
		if err != nil {
			r.Errorf("Open: %v", err)
			return
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("x")); err != nil {
			r.Errorf("writing: %v", err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			r.Errorf("reading: %v", err)
		}
	})
}

// bindRace: of many Binds one wins.
func bindRace(r *rig) {
	box := r.generic()
	var mu sync.Mutex
	won := 0
	atOnce(func() {
		err := box.Bind(r.ctx(), r.workload())
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			won++
		} else if !errors.Is(err, sandbox.ErrBound) {
			r.Errorf("Bind: %v", err)
		}
	})
	if won != 1 {
		r.Errorf("%d Binds won", won)
	}
	r.output(box, "exit", "0")
}

func closeRace(r *rig) {
	box := r.bound()
	r.start(box, probe("sleep"))
	atOnce(func() { r.close(box) })
}

// closeWhile calls op again and again, closes the box, and wants op to end with ErrClosed.
func closeWhile(op func(*rig, sandbox.Sandbox) error) func(*rig) {
	return func(r *rig) {
		box := r.bound()
		r.stream(box, "echo")
		ended := make(chan error, 2)
		for range 2 {
			go func() { ended <- untilError(func() error { return op(r, box) }) }()
		}
		<-after(20 * time.Millisecond)
		r.close(box)
		for range 2 {
			select {
			case err := <-ended:
				r.want("a call during Close", err, sandbox.ErrClosed)
			case <-after(opTimeout):
				r.Fatal("a call hangs after Close")
			}
		}
	}
}

func untilError(op func() error) error {
	for {
		if err := op(); err != nil {
			return err
		}
	}
}

func openAndClose(r *rig, box sandbox.Sandbox) error {
	conn, err := box.Open(r.Context())
	if err != nil {
		return err
	}
	return conn.Close()
}

// closeWhileOpenWaits opens streams that nobody takes, until the channel is full and
// Open waits; Close must end that.
func closeWhileOpenWaits(r *rig) {
	box := r.bound()
	r.stream(box, "sleep")
	var opened atomic.Int64
	ended := make(chan error, 1)
	go func() {
		ended <- untilError(func() error {
			conn, err := box.Open(r.Context())
			if err == nil {
				_ = conn.Close() // the other end is in the channel
				opened.Add(1)
			}
			return err
		})
	}()
	for last := int64(-1); opened.Load() != last && len(ended) == 0; <-after(shortWhile) {
		last = opened.Load()
	}
	r.close(box)
	select {
	case err := <-ended:
		r.want("Open during Close", err, sandbox.ErrClosed)
	case <-after(opTimeout):
		r.Fatal("Open hangs after Close")
	}
}

// listenAndClose: a port may be taken by the other goroutine.
func listenAndClose(r *rig, box sandbox.Sandbox) error {
	l, err := box.Listen(r.Context(), "127.0.0.1:0")
	if err != nil {
		return err
	}
	_ = l.Close() // the box may have closed it
	return nil
}

func closeWhileSyncing(r *rig) {
	box := r.bound()
	p := r.start(box, probe("sleep"))
	ctx, cancel := withCause(r.ctx())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for context.Cause(ctx) == nil {
			_ = p.Sync(ctx) // nil, or the process has ended
		}
	}()
	r.close(box)
	cancel(errCaller)
	<-ended
}
