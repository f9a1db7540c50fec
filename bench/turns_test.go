package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
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

// lasting is a contender whose samples take so long.
func lasting(name string, d time.Duration) contender {
	return contender{row: Row{Name: name}, take: func(ctx context.Context) (sample, error) {
		return sample{took: d}, pause(ctx, d)
	}}
}

// TestTightTurnsEnd: who would not be done in time has its first turn and no other.
func TestTightTurnsEnd(t *testing.T) {
	all := []contender{lasting("fast", time.Millisecond), lasting("slow", 300*time.Millisecond)}
	seen, err := turns{length: 1, least: 1, tight: true}.run(t.Context(), 500*time.Millisecond, all)
	if err != nil || seen[1].count() != 1 || seen[0].count() < 1 {
		t.Errorf("%d fast and %d slow samples, %v", seen[0].count(), seen[1].count(), err)
	}
	if row := seen[1].rows()[0]; row.P50 == nil || row.P99 != nil {
		t.Errorf("one sample has a median and no p99: %+v", row)
	}
}

// TestTurnsThatAreCutOff: what was seen before the end of everything stays.
func TestTurnsThatAreCutOff(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, errTimeOver)
	defer cancel()
	all := []contender{lasting("fast", time.Millisecond), lasting("hangs", time.Hour)}
	seen, err := turns{length: 1, least: 1, tight: true}.run(ctx, time.Hour, all)
	if !errors.Is(err, errTimeOver) || seen[0].count() != 1 || seen[1].missing() == "" {
		t.Errorf("%v, %d samples, %q", err, seen[0].count(), seen[1].missing())
	}
}
