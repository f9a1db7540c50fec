package stem_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/fake"
	"lambent.dev/lambent/internal/stem"
)

// fitter is a template that takes bare sandboxes, unless it is told not to.
type fitter struct {
	sandbox.Template
	bare   sandbox.Base
	fits   atomic.Int32
	refuse error
}

func (f *fitter) Bare() sandbox.Base { return f.bare }

func (f *fitter) Fit(context.Context, sandbox.Sandbox) error {
	f.fits.Add(1)
	return f.refuse
}

// fitting prepares templates that take sandboxes of one bare base.
func (y *yard) fitting(names ...string) map[string]*fitter {
	y.Helper()
	all := map[string]*fitter{}
	for _, name := range append(names, "") {
		template, err := y.driver.Prepare(y.Context(), base(name))
		if err != nil {
			y.Fatal(err)
		}
		all[name] = &fitter{Template: template, bare: base("")}
		y.templates[base(name)] = all[name]
	}
	return all
}

// bare says what the store has of bare boxes.
func (y *yard) bare() (found stem.Stats) {
	for _, s := range y.Stats() {
		if s.Bare {
			found = s
		}
	}
	return found
}

func TestBareBoxIsTakenWhereNoStemIsLeft(t *testing.T) {
	inYard(t, fake.Script{}, stem.Settings{Floor: 1, Ceiling: 1, Boxes: stem.Bounds{Floor: 2, Ceiling: 2}}, func(y *yard) {
		templates := y.fitting("a", "b")
		y.expect("a")
		time.Sleep(time.Second)
		for i, want := range []receipt.StartKind{receipt.Stem, receipt.Box, receipt.Box, receipt.Cold} {
			if kind := y.take("a"); kind != want {
				y.Errorf("start %d: %s, want %s", i, kind, want)
			}
		}
		time.Sleep(time.Second)
		if kind := y.take("b"); kind != receipt.Box { // of another base, which nobody expected
			y.Errorf("kind = %s", kind)
		}
		if a, b := templates["a"].fits.Load(), templates["b"].fits.Load(); a != 2 || b != 1 {
			y.Errorf("a took %d boxes, b %d", a, b)
		}
		if s := y.bare(); s.Taken != 3 || s.Missed != 1 {
			y.Errorf("stats = %+v", s)
		}
	})
}

func TestBareBoxesAreKeptWithoutStems(t *testing.T) {
	inYard(t, fake.Script{}, stem.Settings{Boxes: stem.Bounds{Floor: 3, Ceiling: 3}}, func(y *yard) {
		y.fitting("a")
		if kind := y.take("a"); kind != receipt.Cold {
			y.Errorf("kind = %s", kind)
		}
		time.Sleep(time.Second)
		if s := y.bare(); s.Ready != 3 || s.Wanted != 3 {
			y.Errorf("stats = %+v", s)
		}
		if kind := y.take("a"); kind != receipt.Box {
			y.Errorf("kind = %s", kind)
		}
	})
}

func TestNoBareBoxes(t *testing.T) {
	for name, set := range map[string]stem.Settings{"ceiling of 0": {Floor: 1, Ceiling: 1}, "no memory": {Boxes: stem.Bounds{Floor: 1, Ceiling: 1}, Memory: 1}} {
		t.Run(name, func(t *testing.T) {
			inYard(t, fake.Script{}, set, func(y *yard) {
				y.fitting("a")
				for range 3 {
					y.take("a")
				}
				time.Sleep(time.Second)
				if s := y.bare(); s.Ready != 0 || s.Taken != 0 {
					y.Errorf("stats = %+v", s)
				}
			})
		})
	}
}

// TestBoxThatDoesNotFit is closed, and the start makes one.
func TestBoxThatDoesNotFit(t *testing.T) {
	inYard(t, fake.Script{}, stem.Settings{Boxes: stem.Bounds{Floor: 1, Ceiling: 1}}, func(y *yard) {
		y.fitting("a")["a"].refuse = errors.New("too small")
		y.take("a")
		time.Sleep(time.Second)
		if kind := y.take("a"); kind != receipt.Cold {
			y.Errorf("kind = %s", kind)
		}
		time.Sleep(time.Second)
		if live := y.driver.Count().Sandboxes; live != 1 {
			y.Errorf("%d sandboxes live, want the next one that waits", live)
		}
		if !strings.Contains(y.log.String(), "too small") {
			y.Errorf("the log says %q", y.log)
		}
	})
}

func TestRetiredStoreKeepsNoBareBoxes(t *testing.T) {
	inYard(t, fake.Script{}, stem.Settings{Boxes: stem.Bounds{Floor: 2, Ceiling: 2}}, func(y *yard) {
		y.fitting("a")
		y.take("a")
		time.Sleep(time.Second)
		y.Retire()
		if live := y.driver.Count().Sandboxes; live != 0 {
			y.Errorf("%d sandboxes", live)
		}
		box, err := y.Take(y.Context(), lambda.TierLight, base("a"))
		if err != nil {
			y.Fatal(err)
		}
		if box.Kind != receipt.Cold {
			y.Errorf("kind = %s", box.Kind)
		}
		if err := box.Close(y.Context()); err != nil {
			y.Error(err)
		}
	})
}

func TestSettingsOfBareBoxesAreValidated(t *testing.T) {
	for _, b := range []stem.Bounds{{Floor: -1}, {Ceiling: -1}, {Floor: 2, Ceiling: 1}} {
		if err := (stem.Settings{Boxes: b}).Validate(); err == nil || !strings.Contains(err.Error(), "boxes") {
			t.Errorf("%+v: %v", b, err)
		}
	}
}
