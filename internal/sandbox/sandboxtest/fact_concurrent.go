package sandboxtest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

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
