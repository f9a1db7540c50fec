package pool_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"lambent.dev/lambent/internal/instance"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/pool"
	"lambent.dev/lambent/internal/receipt"
)

// starter starts boxes. It reports misuse and remembers what it made.
type starter struct {
	t       testing.TB
	boot    time.Duration                            // split evenly over the phases of a launch
	failure func(n int, target *lambda.Target) error // of the nth start, from 1; nil = none
	stall   func(n int) (time.Duration, bool)        // another boot time for the nth start
	freeze  time.Duration                            // how long Freeze takes
	reclaim time.Duration                            // how long Reclaim takes
	frees   int64                                    // what Reclaim gives back
	close   time.Duration                            // how long Close takes
	observe func(delta int, target *lambda.Target)   // memory taken (+) and given back (-)
	thaw    func(b *box) error                       // fault of Thaw

	mu     sync.Mutex // guards what follows
	starts int
	boxes  []*box
	open   int // started or starting, and not closed
}

func (s *starter) Start(ctx context.Context, target *lambda.Target) (pool.Instance, error) {
	n := s.count(+1)
	launch := receipt.Launch{Kind: receipt.Cold, Began: time.Now()}
	if s.observe != nil {
		s.observe(target.Version.MemorySize, target)
	}
	boot := s.boot
	if s.stall != nil {
		if d, ok := s.stall(n); ok {
			boot = d
		}
	}
	err := sleep(ctx, boot)
	if err == nil && s.failure != nil {
		err = s.failure(n, target)
	}
	if err != nil {
		s.count(-1)
		if s.observe != nil {
			s.observe(-target.Version.MemorySize, target)
		}
		return nil, err
	}
	launch.Sandbox, launch.Runtime, launch.Init = boot/4, boot/4, boot/2
	b := &box{starter: s, n: n, target: target, launch: launch, done: make(chan struct{}), usable: true}
	s.mu.Lock()
	s.boxes = append(s.boxes, b)
	s.mu.Unlock()
	return b, nil
}

func (s *starter) count(delta int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open += delta
	if delta > 0 {
		s.starts++
	}
	return s.starts
}

func (s *starter) box(i int) *box {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i >= len(s.boxes) {
		s.t.Fatalf("there are %d instances, none with index %d", len(s.boxes), i)
	}
	return s.boxes[i]
}

func (s *starter) live() (starts, open int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.starts, s.open
}

func sleep(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// box is an instance that does what the payload says: words of "DURATION", "crash"
// and "timeout" (it cannot be used again), "reset-timeout" (it can), "taint" (it can once
// nothing runs in it), "reinit", "gone" and "panic".
type box struct {
	starter *starter
	n       int
	target  *lambda.Target
	launch  receipt.Launch
	done    chan struct{}

	mu             sync.Mutex // guards what follows
	running        int
	tainted        bool // takes nothing until nothing runs
	frozen         bool
	closed         bool
	usable         bool
	dead           bool
	lost           bool // gone, and nobody noticed yet
	restored       bool
	freezes, thaws int
	refused        int // invokes that met a dead instance
	reclaims       int
}

func (b *box) ID() string             { return fmt.Sprintf("box-%d", b.n) }
func (b *box) Launch() receipt.Launch { return b.launch }
func (b *box) Done() <-chan struct{}  { return b.done }
func (b *box) Err() error             { return errors.New("it ended") }
func (b *box) misuse(what string)     { b.starter.t.Errorf("%s: %s", b.ID(), what) }

func (b *box) Reusable() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.usable && !b.dead && !b.tainted
}

func (b *box) Invoke(ctx context.Context, inv *lambda.Invocation, sink lambda.Sink) (receipt.Receipt, error) {
	began := time.Now()
	if err := b.occupy(); err != nil {
		return receipt.Receipt{}, err
	}
	defer b.vacate()
	rec := receipt.Receipt{}
	if b.restore() {
		rec.Start = receipt.Restore
	}
	for word := range strings.FieldsSeq(string(inv.Payload)) {
		if err := b.obey(ctx, word, &rec); err != nil {
			return rec, err
		}
	}
	if _, err := fmt.Fprintf(sink, "%s generation %d", b.ID(), b.target.Version.Generation); err != nil {
		return rec, err
	}
	sink.Finish(nil)
	rec.Settle(receipt.Handler, time.Since(began))
	return rec, nil
}

func (b *box) occupy() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead || b.closed || b.lost {
		b.refused++
		return fmt.Errorf("%s: %w", b.ID(), instance.ErrGone)
	}
	if b.tainted {
		return fmt.Errorf("%s: %w", b.ID(), instance.ErrGone)
	}
	if b.running >= b.target.Slots() || b.frozen {
		b.misuse(fmt.Sprintf("Invoke with %d requests, frozen=%v", b.running, b.frozen))
	}
	b.running++
	return nil
}

// restore says, once, that an instance that was initialised ahead has been restored.
func (b *box) restore() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.restored
	b.restored = true
	return b.target.Snapshot && !was
}

func (b *box) vacate() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running--; b.running == 0 {
		b.tainted = false
	}
}

func (b *box) obey(ctx context.Context, word string, rec *receipt.Receipt) error {
	switch word {
	case "crash", "timeout":
		b.mu.Lock()
		b.usable = false
		b.mu.Unlock()
		rec.Fault = map[string]string{"crash": "Runtime.ExitError", "timeout": "Sandbox.Timedout"}[word]
		return nil
	case "reset-timeout":
		rec.Fault = "Sandbox.Timedout"
		return nil
	case "taint":
		b.mu.Lock()
		b.tainted = true
		b.mu.Unlock()
		rec.Fault = "Sandbox.Timedout"
		return nil
	case "reinit":
		time.Sleep(4 * ms)
		rec.Add(receipt.Init, 4*ms)
		return nil
	case "gone":
		return fmt.Errorf("%s: %w", b.ID(), instance.ErrGone)
	case "panic":
		panic("sink")
	}
	d, err := time.ParseDuration(word)
	if err != nil {
		return err
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-b.done:
		return errors.New("closed while busy")
	}
}

func (b *box) Freeze(ctx context.Context) error {
	err := sleep(ctx, b.starter.freeze)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running > 0 {
		b.misuse("Freeze while busy")
	}
	b.frozen = true
	b.freezes++
	return err
}

func (b *box) Thaw(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running > 0 {
		b.misuse("Thaw while busy")
	}
	b.thaws++
	b.frozen = false
	if b.starter.thaw != nil {
		return b.starter.thaw(b)
	}
	return nil
}

func (b *box) Reclaim(ctx context.Context) (int64, error) {
	if err := sleep(ctx, b.starter.reclaim); err != nil {
		return 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reclaims++
	return b.starter.frees, nil
}

// die ends the instance as a fault of the sandbox does.
func (b *box) die() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.dead {
		b.dead = true
		close(b.done)
	}
}

func (b *box) Close(ctx context.Context) error {
	b.die()
	err := sleep(ctx, b.starter.close)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		b.misuse("closed twice")
		return nil
	}
	b.closed = true
	if b.starter.observe != nil {
		b.starter.observe(-b.target.Version.MemorySize, b.target)
	}
	b.starter.count(-1)
	return err
}

func (b *box) isClosed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

func (b *box) ice() (freezes, thaws int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.freezes, b.thaws
}

func (b *box) lose() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = true
}

// target makes a version of a function with 128 MiB.
func target(name string, generation uint64) *lambda.Target {
	return &lambda.Target{
		ID:      lambda.FunctionID{Account: "000000000000", Region: "us-east-1", Name: name},
		Version: lambda.Version{Version: lambda.Latest, Generation: generation, MemorySize: 128},
		Tier:    lambda.TierLight,
	}
}

// host is a pool under test.
type host struct {
	*pool.Pool
	t       testing.TB
	starter *starter
}

// newHost makes a pool for a synctest bubble; it is closed, and all must be gone, when
// the test ends.
func newHost(t testing.TB, s *starter, change func(*pool.Settings)) *host {
	t.Helper()
	return newHostOf(t, s, s, change)
}

// newHostOf is newHost with another starter before s.
func newHostOf(t testing.TB, first pool.Starter, s *starter, change func(*pool.Settings)) *host {
	t.Helper()
	settings := pool.DefaultSettings()
	settings.CalmAfter = 0 // see calm_test.go
	settings.FreezeAfter = -1
	if change != nil {
		change(&settings)
	}
	s.t = t
	p, err := pool.New(first, settings)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{Pool: p, t: t, starter: s}
	t.Cleanup(h.finish)
	return h
}

func (h *host) finish() {
	ctx, stop := context.WithTimeoutCause(context.Background(), time.Hour, errors.New("something was lost"))
	defer stop()
	if err := h.Close(ctx); err != nil {
		h.t.Errorf("Close: %v", err)
	}
	if _, open := h.starter.live(); open != 0 {
		h.t.Errorf("%d instances outlived Close", open)
	}
	if m := h.Stats().Memory; m != 0 {
		h.t.Errorf("%d MiB leaked", m)
	}
}

// answer is what one request got.
type answer struct {
	body string
	rec  receipt.Receipt
	err  error
	took time.Duration
}

// call runs one request to its end.
func (h *host) call(ctx context.Context, t *lambda.Target, payload string) answer {
	sink := &lambda.Buffer{Cap: 1 << 10}
	inv := &lambda.Invocation{Function: t.ID, Target: t, Payload: []byte(payload), Arrived: time.Now()}
	began := time.Now()
	rec, err := h.Invoke(ctx, inv, sink)
	return answer{body: string(sink.Bytes()), rec: rec, err: err, took: time.Since(began)}
}

// ok is call that must succeed, with phases that sum to the wall time.
func (h *host) ok(t *lambda.Target, payload string) answer {
	h.t.Helper()
	a := h.call(context.Background(), t, payload)
	if a.err != nil {
		h.t.Fatalf("invoking %q: %v", payload, a.err)
	}
	h.sums(a)
	return a
}

func (h *host) sums(a answer) {
	h.t.Helper()
	if a.rec.Wall() != a.took {
		h.t.Errorf("phases %v sum to %v, the wall time is %v", a.rec.Spent, a.rec.Wall(), a.took)
	}
}

// spawn begins a request; the channel gives its answer.
func (h *host) spawn(t *lambda.Target, payload string) <-chan answer {
	got := make(chan answer, 1)
	go func() { got <- h.call(context.Background(), t, payload) }()
	return got
}

// throttle checks that err is Lambda's 429.
func throttle(t testing.TB, err error) {
	t.Helper()
	var e *lambda.Error
	if !errors.As(err, &e) || e.Kind != lambda.ErrTooManyRequests {
		t.Fatalf("err = %v, want a throttle", err)
	}
	if e.Message != "Rate Exceeded." || e.Reason != lambda.ReasonConcurrency {
		t.Errorf("message %q, reason %q", e.Message, e.Reason)
	}
}
