package light

import (
	"io/fs"
	"testing"
)

func TestHyperthreadsAreAdvisedAgainst(t *testing.T) {
	for _, c := range []struct {
		active string
		err    error
		ok     bool
	}{{"0", nil, true}, {"", fs.ErrNotExist, true}, {"1", nil, false}} {
		got := threads(c.active, c.err)
		if got.OK != c.ok || got.Required || (got.Fix == "") != c.ok || got.Found == "" {
			t.Errorf("threads(%q, %v) = %+v", c.active, c.err, got)
		}
	}
}
