package sandboxtest

import (
	"context"
	"strings"

	"lambent.dev/lambent/internal/sandbox"
)

// Whatever holds for a sandbox that Create made with something that waits in it holds for one
// that Fit made of a bare one.
func fitFacts() []fact {
	facts := []fact{
		{name: "FitTakesItsOwnKindOnly", test: fitTakesItsOwnKind},
		{name: "FitTakesASandboxOnce", test: fitTakesASandboxOnce},
		{name: "FittedHasAllOfTheBase", test: fittedHasAllOfTheBase},
		{name: "FittedAfterTheTemplateClosed", test: fittedAfterClose},
		{name: "FittedWithoutTime", test: fittedWithoutTime},
	}
	for _, f := range preloadFacts() {
		f.name = strings.Replace(f.name, "Preload", "Fit", 1)
		test := f.test
		f.test = func(r *rig) { r.fits = true; test(r) }
		facts = append(facts, f)
	}
	for i := range facts {
		facts[i].needs = fits
	}
	return facts
}

func fits(s Suite) bool { return s.Fits }

// fitted is a template whose sandboxes were bare.
type fitted struct {
	sandbox.Template
	bare sandbox.Template
}

// Create implements sandbox.Template.
func (f fitted) Create(ctx context.Context, id string) (sandbox.Sandbox, error) {
	box, err := f.bare.Create(ctx, id)
	if err != nil {
		return nil, err
	}
	return box, f.Template.(sandbox.Fitter).Fit(ctx, box)
}

// fitting makes a template's sandboxes of bare ones.
func (r *rig) fitting(t sandbox.Template) sandbox.Template {
	r.Helper()
	f, ok := t.(sandbox.Fitter)
	if !ok {
		r.Fatal("the template is no Fitter")
	}
	return fitted{t, prepare(r, r.driver, f.Bare())}
}

func fitTakesItsOwnKind(r *rig) {
	template := r.preloading("wait").(sandbox.Fitter)
	other := template.Bare()
	other.Tmp *= 2
	for name, base := range map[string]sandbox.Base{"another size of /tmp": other, "another trust": distrusted(template.Bare())} {
		box := r.madeOf(prepare(r, r.driver, base))
		if err := template.Fit(r.ctx(), box); err == nil {
			r.Errorf("a sandbox with %s was fitted", name)
		}
	}
	if err := template.Fit(r.ctx(), r.madeOf(template.(sandbox.Template))); err == nil {
		r.Error("a sandbox in which something waits was fitted")
	}
	bound := r.madeOf(prepare(r, r.driver, template.Bare()))
	if err := bound.Bind(r.ctx(), r.workload()); err != nil {
		r.Fatal(err)
	}
	r.want("Fit of a bound sandbox", template.Fit(r.ctx(), bound), sandbox.ErrBound)
}

func distrusted(b sandbox.Base) sandbox.Base {
	b.Trust += "-other"
	return b
}

func fitTakesASandboxOnce(r *rig) {
	template := r.preloading("wait")
	box := r.madeOf(r.fitting(template))
	if err := template.(sandbox.Fitter).Fit(r.ctx(), box); err == nil {
		r.Error("a sandbox was fitted twice")
	}
	closed := r.madeOf(prepare(r, r.driver, template.(sandbox.Fitter).Bare()))
	r.close(closed)
	r.want("Fit of a closed sandbox", template.(sandbox.Fitter).Fit(r.ctx(), closed), sandbox.ErrClosed)
}

// fittedHasAllOfTheBase: a workload need not name the mounts again.
func fittedHasAllOfTheBase(r *rig) {
	box := r.madeOf(r.fitting(r.preloading("wait")))
	if err := box.Bind(r.ctx(), r.workload()); err != nil {
		r.Fatalf("Bind: %v", err)
	}
	r.expectSelf(r.ranPreloaded(box, "self"), r.suite.Preloads)
	r.expectSelf(r.ranPreloaded(box, "self"), false)
}

func fittedAfterClose(r *rig) {
	template := r.preloading("wait")
	box := r.madeOf(prepare(r, r.driver, template.(sandbox.Fitter).Bare()))
	if err := template.Close(); err != nil {
		r.Fatal(err)
	}
	r.want("Fit of a closed template", template.(sandbox.Fitter).Fit(r.ctx(), box), sandbox.ErrClosed)
}

func fittedWithoutTime(r *rig) {
	template := r.preloading("wait").(sandbox.Fitter)
	box := r.madeOf(prepare(r, r.driver, template.Bare()))
	r.want("Fit with a cancelled context", template.Fit(r.cancelled(), box), errCaller)
}
