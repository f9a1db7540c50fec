package stem_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/fake"
	"lambent.dev/lambent/internal/stem"
)

const mib = 1 << 20

// yard is a store over a fake driver, in a bubble of synthetic time that fails when a
// goroutine is left.
type yard struct {
	*testing.T
	*stem.Store
	driver *fake.Driver
	log    *strings.Builder
	starts atomic.Bool // an instance is being started

	mu        sync.Mutex // guards templates
	templates map[sandbox.Base]sandbox.Template
}

func inYard(t *testing.T, script fake.Script, s stem.Settings, test func(y *yard)) {
	synctest.Test(t, func(t *testing.T) { test(newYard(t, script, s)) })
}

func newYard(t *testing.T, script fake.Script, s stem.Settings) *yard {
	t.Helper()
	y := &yard{T: t, driver: fake.New(script), log: &strings.Builder{}, templates: map[sandbox.Base]sandbox.Template{}}
	var err error
	y.Store, err = stem.New(stem.Deps{
		Templates: y.template, Early: func(tier lambda.Tier) bool { return tier > lambda.TierProcess },
		Addresses: []string{"127.0.0.1:9001"}, Owner: "test", Log: slog.New(slog.NewTextHandler(y.log, nil)),
		Starting: y.starts.Load,
	}, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(y.end)
	return y
}

// end checks that nothing is left: what tests take, they close.
func (y *yard) end() {
	if err := y.Close(); err != nil {
		y.Error(err)
	}
	if count := y.driver.Count(); !count.Idle() {
		y.Errorf("left after Close: %+v", count)
	}
}

func (y *yard) template(ctx context.Context, _ lambda.Tier, b sandbox.Base) (sandbox.Template, error) {
	y.mu.Lock()
	known := y.templates[b]
	y.mu.Unlock()
	if known != nil {
		return known, nil
	}
	template, err := y.driver.Prepare(ctx, b)
	if err == nil {
		y.mu.Lock()
		defer y.mu.Unlock()
		y.templates[b] = template
	}
	return template, err
}

func base(name string) sandbox.Base { return sandbox.Base{Trust: "t", Preload: name} }

// take gives out a sandbox and closes it at once: only its kind is of interest.
func (y *yard) take(name string) receipt.StartKind {
	y.Helper()
	box, err := y.Take(y.Context(), lambda.TierLight, base(name))
	if err != nil {
		y.Fatal(err)
	}
	if err := box.Close(context.Background()); err != nil {
		y.Error(err)
	}
	return box.Kind
}

// ready is how many stems a bed has.
func (y *yard) ready(name string) int {
	for _, s := range y.Stats() {
		if s.Preload == name {
			return s.Ready
		}
	}
	return 0
}

func (y *yard) expect(names ...string) {
	for _, name := range names {
		y.Expect(lambda.TierLight, base(name))
	}
}

func (y *yard) wantReady(name string, want int) {
	y.Helper()
	synctest.Wait()
	if got := y.ready(name); got != want {
		y.Errorf("%s has %d stems, want %d", name, got, want)
	}
}

func TestStemIsTakenAndMadeAgain(t *testing.T) {
	inYard(t, fake.Script{}, stem.Settings{Floor: 3, Ceiling: 10}, func(y *yard) {
		y.expect("a")
		time.Sleep(time.Second)
		y.wantReady("a", 3)
		if kind := y.take("a"); kind != receipt.Stem {
			y.Errorf("kind = %v", kind)
		}
		y.wantReady("a", 2)
		time.Sleep(time.Second)
		y.wantReady("a", 3)
		if kind := y.take("b"); kind != receipt.Cold { // of which nobody was told
			y.Errorf("kind = %v", kind)
		}
		time.Sleep(time.Second)
		y.wantReady("b", 3)
	})
}

// forking is a template that has a zygote.
type forking struct{ sandbox.Template }

func (forking) Forks() bool { return true }

func TestKindOfAMiss(t *testing.T) {
	inYard(t, fake.Script{}, stem.Settings{}, func(y *yard) {
		template, err := y.driver.Prepare(y.Context(), base("a"))
		if err != nil {
			y.Fatal(err)
		}
		y.templates[base("a")] = forking{template}
		if kind := y.take("a"); kind != receipt.Fork {
			y.Errorf("kind = %v", kind)
		}
		if kind := y.take("b"); kind != receipt.Cold {
			y.Errorf("kind = %v", kind)
		}
		time.Sleep(time.Minute)
		if n := len(y.Stats()); n != 0 {
			y.Errorf("%d beds though none are to be kept", n)
		}
	})
}

func TestNothingIsMadeEarlyForATierThatCannot(t *testing.T) {
	inYard(t, fake.Script{}, stem.Settings{Floor: 3, Ceiling: 10}, func(y *yard) {
		y.Expect(lambda.TierProcess, base("a"))
		time.Sleep(time.Minute)
		if created := y.driver.Count().Created; created != 0 {
			y.Errorf("%d sandboxes", created)
		}
	})
}

func TestDemandRaisesAndCalmLowers(t *testing.T) {
	inYard(t, fake.Script{Faults: []fake.Fault{{At: fake.Create, Wait: 10 * time.Millisecond}}}, stem.Settings{Floor: 2, Ceiling: 12}, func(y *yard) {
		burst := func(n int) (stems int) {
			var all sync.WaitGroup
			var mu sync.Mutex // guards stems
			for range n {
				all.Go(func() {
					if y.take("a") == receipt.Stem {
						mu.Lock()
						defer mu.Unlock()
						stems++
					}
				})
			}
			all.Wait()
			return stems
		}
		y.expect("a")
		time.Sleep(time.Second)
		if stems := burst(8); stems != 2 {
			y.Errorf("the first burst met %d stems", stems)
		}
		time.Sleep(5 * time.Second)
		y.wantReady("a", 8)
		if stems := burst(8); stems != 8 {
			y.Errorf("the second burst met %d stems, want one each", stems)
		}
		burst(50)
		time.Sleep(5 * time.Second)
		y.wantReady("a", 12)
		time.Sleep(15 * time.Minute)
		y.wantReady("a", 2)
		if live := y.driver.Count().Sandboxes; live != 2 {
			y.Errorf("%d sandboxes live", live)
		}
	})
}

// TestMemoryOfAllBeds also while all of them make stems at once.
func TestMemoryOfAllBeds(t *testing.T) {
	script := fake.Script{Memory: 16 * mib, Faults: []fake.Fault{{At: fake.Create, Wait: 50 * time.Millisecond}}}
	inYard(t, script, stem.Settings{Floor: 4, Ceiling: 10, Memory: 80 * mib}, func(y *yard) {
		for i := range 8 {
			y.expect(fmt.Sprint(i))
		}
		for range 200 {
			time.Sleep(7 * time.Millisecond)
			if live := y.driver.Count().Sandboxes; live > 5 {
				y.Fatalf("%d sandboxes of 16 MiB in 80", live)
			}
		}
		y.take("7")
		time.Sleep(5 * time.Second)
		y.wantReady("7", 4) // from beds that were used less recently
		if live := y.driver.Count().Sandboxes; live != 5 {
			y.Errorf("%d sandboxes live, want 5", live)
		}
	})
}

// TestMemoryThatWasGuessedWrong: what a stem uses is known when it is made.
func TestMemoryThatWasGuessedWrong(t *testing.T) {
	inYard(t, fake.Script{Memory: 50 * mib}, stem.Settings{Floor: 4, Ceiling: 10, Memory: 80 * mib}, func(y *yard) {
		y.expect("a", "b", "c")
		time.Sleep(time.Minute)
		if live := y.driver.Count().Sandboxes; live != 1 {
			y.Errorf("%d sandboxes of 50 MiB in 80", live)
		}
		if created := y.driver.Count().Created; created > 10 {
			y.Errorf("%d were made and closed again in a minute", created)
		}
	})
}

func TestDeadStems(t *testing.T) {
	inYard(t, fake.Script{}, stem.Settings{Floor: 3, Ceiling: 10}, func(y *yard) {
		y.expect("a")
		time.Sleep(time.Second)
		for _, box := range y.driver.Boxes() {
			box.Kill(errors.New("killed"))
		}
		if kind := y.take("a"); kind == receipt.Stem {
			y.Error("a dead stem was given out")
		}
		time.Sleep(time.Second)
		y.wantReady("a", 3)
		for _, box := range y.driver.Boxes() {
			box.Kill(errors.New("killed"))
		}
		time.Sleep(16 * time.Second) // nobody takes one
		y.wantReady("a", 3)
		for range 3 {
			if kind := y.take("a"); kind != receipt.Stem {
				y.Errorf("kind = %v", kind)
			}
		}
	})
}

// closings counts calls of Close of a template's sandboxes.
type closings struct {
	sandbox.Template
	n *atomic.Int64
}

func (c closings) Create(ctx context.Context, id string) (sandbox.Sandbox, error) {
	box, err := c.Template.Create(ctx, id)
	return counted{box, c.n}, err
}

type counted struct {
	sandbox.Sandbox
	n *atomic.Int64
}

func (c counted) Close(ctx context.Context) error {
	c.n.Add(1)
	return c.Sandbox.Close(ctx)
}

// TestEveryStemIsClosed also one that died.
func TestEveryStemIsClosed(t *testing.T) {
	inYard(t, fake.Script{}, stem.Settings{Floor: 1, Ceiling: 1}, func(y *yard) {
		template, err := y.driver.Prepare(y.Context(), base("a"))
		if err != nil {
			y.Fatal(err)
		}
		var closed atomic.Int64
		y.templates[base("a")] = closings{template, &closed}
		for range 5 {
			y.expect("a")
			time.Sleep(2 * time.Second)
			for _, box := range y.driver.Boxes() {
				box.Kill(errors.New("killed"))
			}
			y.take("a")
			time.Sleep(2 * time.Second)
		}
		if err := y.Close(); err != nil {
			y.Error(err)
		}
		if created := y.driver.Count().Created; int(closed.Load()) != created {
			y.Errorf("%d of %d were closed", closed.Load(), created)
		}
	})
}

func TestDrop(t *testing.T) {
	inYard(t, fake.Script{}, stem.Settings{Floor: 3, Ceiling: 10}, func(y *yard) {
		y.expect("a", "b")
		time.Sleep(time.Second)
		if n := y.Drop(); n != 6 {
			y.Errorf("dropped %d", n)
		}
		if live := y.driver.Count().Sandboxes; live != 0 {
			y.Errorf("%d live after Drop", live)
		}
		time.Sleep(500 * time.Millisecond)
		y.wantReady("a", 0)
		time.Sleep(2 * time.Second)
		y.wantReady("a", 3)
		y.wantReady("b", 3)
	})
}

func TestTakeAfterClose(t *testing.T) {
	inYard(t, fake.Script{}, stem.Settings{Floor: 3, Ceiling: 10}, func(y *yard) {
		y.expect("a")
		time.Sleep(time.Second)
		if err := y.Close(); err != nil {
			y.Error(err)
		}
		box, err := y.Take(y.Context(), lambda.TierLight, base("a"))
		if err == nil {
			y.Error("a closed store gave out a sandbox")
			_ = box.Close(context.Background())
		}
		y.expect("a")
		time.Sleep(time.Minute)
		if err := y.Close(); err != nil {
			y.Errorf("the second Close: %v", err)
		}
	})
}

// TestCloseWhileFilling ends what is being made, however long that would take.
func TestCloseWhileFilling(t *testing.T) {
	for _, op := range []fake.Op{fake.Prepare, fake.Create, fake.Listen} {
		inYard(t, fake.Script{Faults: []fake.Fault{{At: op, Wait: time.Hour}}}, stem.Settings{Floor: 3, Ceiling: 10}, func(y *yard) {
			y.expect("a", "b")
			time.Sleep(time.Second)
			began := time.Now()
			if err := y.Close(); err != nil {
				y.Error(err)
			}
			if took := time.Since(began); took > time.Minute {
				y.Errorf("Close took %v", took)
			}
		})
	}
}

// TestErrorsAreNotTriedAtOnce: told, and tried again after a pause.
func TestErrorsAreNotTriedAtOnce(t *testing.T) {
	for _, op := range []fake.Op{fake.Prepare, fake.Create, fake.Listen} {
		inYard(t, fake.Script{Faults: []fake.Fault{{At: op, Err: errors.New("broken")}}}, stem.Settings{Floor: 3, Ceiling: 10}, func(y *yard) {
			y.expect("a")
			for range 600 {
				time.Sleep(100 * time.Millisecond)
				_, err := y.Take(y.Context(), lambda.TierLight, base("a"))
				if op == fake.Prepare && err == nil {
					y.Fatal("Take says nothing of the error")
				}
			}
			for _, box := range y.driver.Boxes() { // what Take gave out
				_ = box.Close(context.Background())
			}
			lines := strings.Count(y.log.String(), "\n")
			if lines < 30 || lines > 70 {
				y.Errorf("op %v: %d lines in a minute", op, lines)
			}
		})
	}
}

func TestErrorsPass(t *testing.T) {
	inYard(t, fake.Script{Faults: []fake.Fault{{At: fake.Create, Nth: 2, Err: errors.New("broken")}}}, stem.Settings{Floor: 3, Ceiling: 10}, func(y *yard) {
		y.expect("a")
		time.Sleep(500 * time.Millisecond)
		y.wantReady("a", 1)
		time.Sleep(2 * time.Second)
		y.wantReady("a", 3)
	})
}

// TestListenersWaitOnce: opened ahead, and given out once.
func TestListenersWaitOnce(t *testing.T) {
	inYard(t, fake.Script{}, stem.Settings{Floor: 1, Ceiling: 1}, func(y *yard) {
		y.expect("a")
		time.Sleep(time.Second)
		box, err := y.Take(y.Context(), lambda.TierLight, base("a"))
		if err != nil {
			y.Fatal(err)
		}
		defer func() { _ = box.Close(context.Background()) }()
		first, err := box.Listen(y.Context(), "127.0.0.1:9001")
		if err != nil {
			y.Fatal(err)
		}
		if _, err := box.Listen(y.Context(), "127.0.0.1:9001"); err == nil {
			y.Error("one address, two listeners")
		}
		if err := first.Close(); err != nil {
			y.Error(err)
		}
		other, err := box.Listen(y.Context(), "127.0.0.1:9002")
		if err != nil {
			y.Fatal(err)
		}
		_ = other.Close()
	})
}

// TestNothingIsMadeWhileRequestsStart as long as these do not go on for ever.
func TestNothingIsMadeWhileRequestsStart(t *testing.T) {
	inYard(t, fake.Script{}, stem.Settings{Floor: 3, Ceiling: 10}, func(y *yard) {
		takes := 0
		for began := time.Now(); time.Since(began) < 80*time.Millisecond; time.Sleep(2 * time.Millisecond) {
			y.take("a")
			takes++
		}
		if created := y.driver.Count().Created; created != takes {
			y.Errorf("%d were made while %d were taken", created, takes)
		}
		for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(2 * time.Millisecond) {
			y.take("a")
			takes++
		}
		if stems := y.driver.Count().Created - takes; stems < -takes {
			y.Errorf("no stem was made under steady load: %d", stems)
		}
	})
}

// TestNothingIsMadeWhileAnInstanceStarts though nothing was taken for long.
func TestNothingIsMadeWhileAnInstanceStarts(t *testing.T) {
	inYard(t, fake.Script{}, stem.Settings{Floor: 3, Ceiling: 10}, func(y *yard) {
		y.starts.Store(true)
		y.take("a")
		time.Sleep(60 * time.Millisecond)
		y.wantReady("a", 0)
		y.starts.Store(false)
		time.Sleep(15 * time.Millisecond)
		y.wantReady("a", 3)
		y.starts.Store(true) // for ever
		y.take("a")
		time.Sleep(150 * time.Millisecond)
		y.wantReady("a", 3)
	})
}

func TestSettingsAreValidated(t *testing.T) {
	for _, s := range []stem.Settings{{Floor: -1}, {Ceiling: -1}, {Memory: -1}, {Floor: 2, Ceiling: 1}} {
		if _, err := stem.New(stem.Deps{}, s); err == nil {
			t.Errorf("%+v is fine", s)
		}
	}
	if err := stem.DefaultSettings().Validate(); err != nil {
		t.Error(err)
	}
}

// TestHammer has everything happen at once, in real time, for the race detector.
func TestHammer(t *testing.T) {
	script := fake.Script{Memory: mib, Faults: []fake.Fault{{At: fake.Create, Nth: 7, Err: errors.New("broken")}, {At: fake.Create, Wait: time.Millisecond}}}
	y := newYard(t, script, stem.Settings{Floor: 3, Ceiling: 10, Memory: 20 * mib})
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	var seen sync.Map
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				y.hammer(ctx, &seen, fmt.Sprint((i+n)%4))
			}
		})
	}
	all.Go(func() {
		for ctx.Err() == nil {
			y.Stats()
			for _, box := range y.driver.Boxes() {
				if box.Workload() == nil {
					box.Kill(errors.New("killed"))
					break
				}
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	all.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(300 * time.Millisecond)
			y.Drop()
		}
	})
	time.Sleep(800 * time.Millisecond)
	if err := y.Close(); err != nil { // in the middle of it
		t.Error(err)
	}
	all.Wait()
}

func (y *yard) hammer(ctx context.Context, seen *sync.Map, name string) {
	box, err := y.Take(ctx, lambda.TierLight, base(name))
	if err != nil {
		return // broken, or closed
	}
	if _, twice := seen.LoadOrStore(box.ID, true); twice {
		y.Errorf("%s was given out twice", box.ID)
	}
	if err := box.Sandbox.Bind(ctx, sandbox.Workload{}); err == nil {
		time.Sleep(time.Millisecond)
	} else if errors.Is(err, sandbox.ErrBound) {
		y.Errorf("%s was bound before: %v", box.ID, err)
	}
	if err := box.Close(context.Background()); err != nil {
		y.Error(err)
	}
}
