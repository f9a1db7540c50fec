package sandboxtest

import (
	"errors"
	"fmt"
	"testing"

	"lambent.dev/lambent/internal/sandbox"
)

func TestAbsenceIsFatalOnCI(t *testing.T) {
	absent := fmt.Errorf("no cgroups: %w", sandbox.ErrUnavailable)
	for _, c := range []struct {
		err  error
		ci   string
		want bool
	}{
		{absent, "", true},
		{absent, "true", false},
		{errors.New("broken"), "", false},
	} {
		if got := maySkip(c.err, c.ci); got != c.want {
			t.Errorf("maySkip(%v, CI=%q) = %v", c.err, c.ci, got)
		}
	}
}
