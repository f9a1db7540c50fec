package sandboxtest

import (
	"context"
	"strings"

	"lambent.dev/lambent/internal/sandbox"
)

func templateFacts() []fact {
	return []fact{
		{name: "TemplateClosesTwice", test: templateClosesTwice},
		{name: "ClosedTemplateCreatesNothing", test: closedTemplateCreatesNothing},
		{name: "BoxesOutliveTheirTemplate", test: boxesOutliveTheirTemplate},
		{name: "CreateRefusesBadIDs", test: createRefusesBadIDs},
		{name: "CreateRefusesUsedID", test: createRefusesUsedID},
		{name: "CreateTakesLongestID", test: createTakesLongestID},
		{name: "IDIsFreeAfterClose", test: idIsFreeAfterClose},
		{name: "CreateEndsWithContext", test: createEndsWithContext},
	}
}

// cancelled returns a context that has ended for errCaller.
func (r *rig) cancelled() context.Context {
	ctx, cancel := context.WithCancelCause(r.Context())
	cancel(errCaller)
	return ctx
}

func templateClosesTwice(r *rig) {
	t := prepare(r, r.driver, r.suite.base())
	for range 2 {
		if err := t.Close(); err != nil {
			r.Errorf("Close: %v", err)
		}
	}
}

func closedTemplateCreatesNothing(r *rig) {
	t := prepare(r, r.driver, r.suite.base())
	if err := t.Close(); err != nil {
		r.Fatalf("Close: %v", err)
	}
	_, err := t.Create(r.ctx(), r.id())
	r.want("Create after Close", err, sandbox.ErrClosed)
}

func boxesOutliveTheirTemplate(r *rig) {
	own := *r
	own.template = prepare(r, r.driver, r.suite.base())
	box := own.bound()
	if err := own.template.Close(); err != nil {
		r.Fatalf("Close: %v", err)
	}
	r.output(box, "exit", "0")
}

func createRefusesBadIDs(r *rig) {
	for _, id := range []string{"", "../up", "a/b", "a b", "a.b", "a_b", "ä", strings.Repeat("x", 65)} {
		if box, err := r.template.Create(r.ctx(), id); err == nil {
			r.Errorf("Create took the id %q", id)
			r.close(box)
		}
	}
}

func createRefusesUsedID(r *rig) {
	id := r.id()
	first := r.create(id)
	if second, err := r.template.Create(r.ctx(), id); err == nil {
		r.Error("two boxes have one id")
		r.close(second)
	}
	if err := first.Bind(r.ctx(), r.workload()); err != nil {
		r.Fatalf("the first box suffered: %v", err)
	}
	r.output(first, "exit", "0")
}

func (r *rig) create(id string) sandbox.Sandbox {
	r.Helper()
	box, err := r.template.Create(r.ctx(), id)
	if err != nil {
		r.Fatalf("Create %s: %v", id, err)
	}
	r.Cleanup(func() { r.close(box) })
	return box
}

func createTakesLongestID(r *rig) {
	id := r.id()
	r.create(id + strings.Repeat("x", 64-len(id)))
}

func idIsFreeAfterClose(r *rig) {
	id := r.id()
	r.close(r.create(id))
	r.create(id)
}

func createEndsWithContext(r *rig) {
	id := r.id()
	_, err := r.template.Create(r.cancelled(), id)
	r.want("Create with a cancelled context", err, errCaller)
	r.create(id) // nothing was left
}
