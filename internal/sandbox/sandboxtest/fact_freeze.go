package sandboxtest

import (
	"errors"
	"io"
	"os"
	"time"

	"lambent.dev/lambent/internal/sandbox"
)

func freezeFacts() []fact {
	freezes := func(name string, test func(*rig, sandbox.Sandbox, sandbox.Freezer)) fact {
		return fact{name: name, test: func(r *rig) {
			box := r.bound()
			if f, ok := box.(sandbox.Freezer); ok {
				test(r, box, f)
			}
		}}
	}
	return []fact{
		freezes("FrozenDoesNothing", frozenDoesNothing),
		freezes("FreezeAndThawTwice", freezeAndThawTwice),
		freezes("FreezeOfTheIdle", freezeOfTheIdle),
		freezes("ThawOfTheUnfrozen", thawOfTheUnfrozen),
		freezes("CloseOfTheFrozen", closeOfTheFrozen),
		freezes("ResetAfterThaw", resetAfterThaw),
	}
}

func (r *rig) freeze(f sandbox.Freezer) {
	r.Helper()
	if err := f.Freeze(r.ctx()); err != nil {
		r.Fatalf("Freeze: %v", err)
	}
}

func (r *rig) thaw(f sandbox.Freezer) {
	r.Helper()
	if err := f.Thaw(r.ctx()); err != nil {
		r.Fatalf("Thaw: %v", err)
	}
}

func frozenDoesNothing(r *rig, box sandbox.Sandbox, f sandbox.Freezer) {
	r.stream(box, "echo")
	conn := r.open(box)
	r.speak(conn)
	r.freeze(f)
	if _, err := io.WriteString(conn, "marco\n"); err != nil {
		r.Fatalf("writing: %v", err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(2 * shortWhile)); err != nil {
		r.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		r.Errorf("a frozen command answered: %v", err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(opTimeout)); err != nil {
		r.Fatal(err)
	}
	r.thaw(f)
	r.expect(conn, "marco\n")
}

func freezeAndThawTwice(r *rig, box sandbox.Sandbox, f sandbox.Freezer) {
	r.stream(box, "echo")
	conn := r.open(box)
	r.freeze(f)
	r.freeze(f)
	r.thaw(f)
	r.speak(conn)
	r.thaw(f)
	r.speak(conn)
}

func freezeOfTheIdle(r *rig, box sandbox.Sandbox, f sandbox.Freezer) {
	r.freeze(f)
	r.thaw(f)
	r.output(box, "exit", "0")
}

func thawOfTheUnfrozen(r *rig, box sandbox.Sandbox, f sandbox.Freezer) {
	r.thaw(f)
	r.output(box, "exit", "0")
}

func closeOfTheFrozen(r *rig, box sandbox.Sandbox, f sandbox.Freezer) {
	p := r.start(box, probe("sleep"))
	r.freeze(f)
	r.close(box)
	if e := r.exit(p); !killed(e) {
		r.Errorf("exit = %+v, want SIGKILL", e)
	}
}

func resetAfterThaw(r *rig, box sandbox.Sandbox, f sandbox.Freezer) {
	r.start(box, probe("sleep"))
	r.freeze(f)
	r.thaw(f)
	r.reset(box)
	r.output(box, "exit", "0")
}
