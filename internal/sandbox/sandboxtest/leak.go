package sandboxtest

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
)

// life is something that is done to a driver, after which nothing may be left.
type life struct {
	name string
	live func(r *rig)
}

func lives() []life {
	return []life{
		{"ProbeOnly", func(r *rig) { _, _ = r.driver.Probe(r.ctx()) }}, // judged elsewhere
		{"CreateAndClose", func(r *rig) { r.close(r.generic()) }},
		{"BindAndClose", func(r *rig) { r.close(r.bound()) }},
		{"RunToTheEnd", func(r *rig) { r.output(r.bound(), "output", "100000") }},
		{"RunAndClose", func(r *rig) { r.start(r.bound(), probe("sleep")) }},
		{"DetachedAndClose", func(r *rig) { r.beating(r.bound(), "leave") }},
		{"StreamsAndClose", func(r *rig) { box := r.bound(); r.stream(box, "echo"); r.speak(r.open(box)) }},
		{"UntakenStreams", func(r *rig) { box := r.bound(); r.stream(box, "sleep"); r.open(box); r.open(box) }},
		{"DirectStreamAndClose", func(r *rig) { box := r.bound(); r.direct(box, "echo-one"); r.speak(r.open(box)) }},
		{"UnopenedDirectStream", func(r *rig) { r.direct(r.bound(), "sleep") }},
		{"ListenersAndClose", func(r *rig) { box := r.bound(); r.dialsFromInside(box, r.listen(box)) }},
		{"ForgottenListener", forgottenListener},
		{"ResetAndClose", func(r *rig) { box := r.bound(); r.beating(box, "leave"); r.reset(box) }},
		{"ManyResets", resetManyTimes},
		{"FailedBind", closeAfterAFailedBind},
		{"FailedRun", missingProgram},
		{"CancelledCreate", createEndsWithContext},
		{"CancelledBind", bindEndsWithContext},
		{"CancelledRun", runEndsWithContext},
		{"BadIDs", createRefusesBadIDs},
		{"UsedID", createRefusesUsedID},
		{"ManyAtOnce", manyCreatesAtOnce},
		{"CloseWhileRunning", closeWhileRunning},
		{"CreateWhileTemplateCloses", createWhileTemplateCloses},
		{"FrozenAndClose", frozenAndClose},
		{"PreloadedAndClose", func(r *rig) { r.close(r.preloaded("wait")) }},
		{"PreloadedDirectAndClose", func(r *rig) { r.close(r.preloaded("wait-direct")) }},
		{"PreloadedNeverBound", func(r *rig) { r.madeOf(r.preloading("wait")) }},
		{"PreloadedTemplateClosedFirst", preloadOutlivesItsTemplate},
		{"PreloadedReset", preloadThenReset},
		{"PreloadedDied", preloadThatDied},
		{"PreloadedRunCancelled", preloadedRunEndsWithContext},
		{"FittedAndClose", ifFits(func(r *rig) { r.fits = true; r.close(r.preloaded("wait")) })},
		{"FittedNeverBound", ifFits(func(r *rig) { r.fits = true; r.madeOf(r.preloading("wait")) })},
		{"FitRefused", ifFits(fitTakesItsOwnKind)},
	}
}

// ifFits is for drivers whose templates are Fitters.
func ifFits(live func(r *rig)) func(r *rig) {
	return func(r *rig) {
		if r.suite.Fits {
			live(r)
		}
	}
}

// leaks lives each life twice in the same folder and looks at the host in between and
// after: what a driver makes once, a cache for instance, is no leak.
func (s Suite) leaks(t *testing.T, code string) {
	for _, l := range lives() {
		t.Run(l.name, func(t *testing.T) {
			config := newConfig(t)
			config.Preload = preloads(code)
			t.Run("First", func(t *testing.T) { s.live(t, config, code, l) })
			before := Take(t, config.Dir)
			t.Run("Second", func(t *testing.T) { s.live(t, config, code, l) })
			expectNoLeak(t, before)
		})
	}
	t.Run("KilledDaemon", func(t *testing.T) { s.killedDaemon(t, code) })
}

func (s Suite) live(t *testing.T, config Config, code string, l life) {
	driver := s.driver(t, config)
	template := prepare(t, driver, s.base())
	l.live(&rig{T: t, suite: s, config: config, driver: driver, template: template, code: code, boxes: new(atomic.Int64)})
}

func forgottenListener(r *rig) {
	if _, err := r.generic().Listen(r.ctx(), "127.0.0.1:9001"); err != nil {
		r.Fatalf("Listen: %v", err)
	}
}

func closeWhileRunning(r *rig) {
	closeWhile(func(r *rig, box sandbox.Sandbox) error {
		p, err := box.Run(r.Context(), probe("sleep"))
		if err == nil { // many at once would meet the limit of processes
			_ = p.Signal(os.Kill) // it may have ended with the box
			<-p.Done()
		}
		return err
	})(r)
}

// createWhileTemplateCloses: what Create made although the template closed is whole.
func createWhileTemplateCloses(r *rig) {
	template := prepare(r, r.driver, r.suite.base())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			box, err := template.Create(r.ctx(), r.id())
			if err == nil {
				r.close(box)
			} else if !errors.Is(err, sandbox.ErrClosed) {
				r.Errorf("Create: %v", err)
			}
		})
	}
	if err := template.Close(); err != nil {
		r.Errorf("Close: %v", err)
	}
	all.Wait()
}

func frozenAndClose(r *rig) {
	box := r.bound()
	r.start(box, probe("sleep"))
	if f, ok := box.(sandbox.Freezer); ok {
		r.freeze(f)
	}
}
