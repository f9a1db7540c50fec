package templates_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/templates"
)

var errStep = errors.New("a step failed")

func TestLastUserFrees(t *testing.T) {
	freed := 0
	users := templates.NewUsers(func() error { freed++; return errStep })
	if !users.Enter() {
		t.Fatal("an open template let nobody in")
	}
	if !users.Close() || users.Close() {
		t.Error("not the first Close alone closed")
	}
	if users.Enter() {
		t.Error("a closed template let somebody in")
	}
	if err := users.Leave(); err != nil || freed != 0 {
		t.Errorf("with a user left: err = %v, freed %d times", err, freed)
	}
	if err := users.Leave(); !errors.Is(err, errStep) || freed != 1 {
		t.Errorf("with none left: err = %v, freed %d times", err, freed)
	}
}

func TestCreateThatFailsUndoesItsStepsAndLeaves(t *testing.T) {
	freed, undone := false, false
	users := templates.NewUsers(func() error { freed = true; return nil })
	_, err := templates.Create(t.Context(), users, "a", func(undo *cleanup.Stack) (int, error) {
		undo.Add(func() error { undone = true; return nil })
		return 0, errStep
	})
	if !errors.Is(err, errStep) || !undone {
		t.Errorf("err = %v, undone: %v", err, undone)
	}
	if users.Close(); users.Leave() != nil || !freed {
		t.Error("the box that was not made is still counted")
	}
}

func TestCreateRefuses(t *testing.T) {
	open, closed := templates.NewUsers(nil), templates.NewUsers(nil)
	closed.Close()
	ended, end := context.WithCancelCause(t.Context())
	end(errStep)
	for name, c := range map[string]struct {
		ctx   context.Context
		users *templates.Users
		id    string
		want  error // nil: any
	}{
		"closed": {t.Context(), closed, "a", sandbox.ErrClosed},
		"ended":  {ended, open, "a", errStep},
		"empty":  {t.Context(), open, "", nil},
		"path":   {t.Context(), open, "../a", nil},
		"long":   {t.Context(), open, strings.Repeat("a", 65), nil},
	} {
		_, err := templates.Create(c.ctx, c.users, c.id, func(*cleanup.Stack) (int, error) {
			t.Errorf("%s: a box was made", name)
			return 0, nil
		})
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: err = %v, want %v", name, err, c.want)
		}
	}
}
