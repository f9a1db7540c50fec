package templates_test

import (
	"errors"
	"testing"

	"lambent.dev/lambent/internal/sandbox/templates"
)

// stage counts how often it was ended.
type stage struct{ ended int }

func (s *stage) End() { s.ended++ }

func TestSharedLivesAsLongAsItHasUsers(t *testing.T) {
	var shared templates.Shared[*stage]
	if _, err := shared.Use(func() (*stage, error) { return &stage{}, errStep }); !errors.Is(err, errStep) || shared.Value() != nil {
		t.Errorf("one that did not start: %v, %v", shared.Value(), err)
	}
	started := 0
	start := func() (*stage, error) { started++; return &stage{}, nil }
	first, _ := shared.Use(start)
	second, _ := shared.Use(start)
	if first != second || started != 1 {
		t.Errorf("two users have %p and %p, started %d times", first, second, started)
	}
	if err := shared.Leave(); err != nil || first.ended != 0 {
		t.Errorf("with a user left it was ended %d times, %v", first.ended, err)
	}
	if err := shared.Leave(); err != nil || first.ended != 1 || shared.Value() != nil {
		t.Errorf("without users it was ended %d times, %v, and is %v", first.ended, err, shared.Value())
	}
	if third, _ := shared.Use(start); third == first || started != 2 {
		t.Error("the next user has one that was ended")
	}
}
