package templates

import (
	"context"
	"fmt"

	"lambent.dev/lambent/internal/cleanup"
	"lambent.dev/lambent/internal/sandbox"
)

// maxID is the longest id of a sandbox in bytes.
const maxID = 64

// Create makes a box of a template by newBox, which adds to undo what is to be undone when it
// fails and hands the rest over to the box. The box is a user: it leaves by the first step of
// undo when it is freed.
func Create[B any](ctx context.Context, users *Users, id string, newBox func(undo *cleanup.Stack) (B, error)) (b B, err error) {
	if err := checkID(id); err != nil {
		return b, err
	}
	if err := context.Cause(ctx); err != nil {
		return b, err
	}
	if !users.Enter() {
		return b, fmt.Errorf("creating sandbox %s: the template: %w", id, sandbox.ErrClosed)
	}
	var undo cleanup.Stack
	undo.Add(users.Leave)
	if b, err = newBox(&undo); err != nil {
		undo.Run(&err)
		return b, fmt.Errorf("creating sandbox %s: %w", id, err)
	}
	return b, nil
}

// checkID keeps what a path or a control group must not have out of ids.
func checkID(id string) error {
	if id == "" || len(id) > maxID {
		return fmt.Errorf("a sandbox id has 1 to %d bytes, not %d", maxID, len(id))
	}
	for _, c := range []byte(id) {
		if !(c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return fmt.Errorf("sandbox id %q has more than letters, digits and '-'", id)
		}
	}
	return nil
}
