package bench

import (
	"context"
	"strings"
	"testing"
)

// TestTurnsOfARound: everyone has as many samples in a round, some in turns of fewer, and who is
// slow has its own number.
func TestTurnsOfARound(t *testing.T) {
	var taken strings.Builder
	named := func(name string) contender {
		return contender{row: Row{Name: name}, take: func(context.Context) (sample, error) {
			taken.WriteString(name)
			return sample{}, nil
		}}
	}
	kept, slow, own := named("k"), named("s"), named("o")
	kept.most, slow.slow, own.turn = 2, true, 3
	_, err := turns{length: 4, slow: 1, least: 1}.run(t.Context(), 0, []contender{named("f"), kept, slow, own})
	if want := "ffff" + "kk" + "s" + "ooo" + "kk"; err != nil || taken.String() != want {
		t.Errorf("%s, %v, want %s", taken.String(), err, want)
	}
}
