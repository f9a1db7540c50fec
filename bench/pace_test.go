package bench

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"
)

// A machine that becomes twice as slow half way doubles the samples and leaves the multiples.
func TestMultiplesOfTheFloorStay(t *testing.T) {
	slower := 1.0
	lasting := func(ms float64) take {
		return func(context.Context) (sample, error) {
			return sample{took: time.Duration(slower * ms * float64(time.Millisecond))}, nil
		}
	}
	rounds := 0
	tier := func(ctx context.Context) (sample, error) {
		if rounds++; rounds == 60 {
			slower = 2
		}
		return lasting(12)(ctx)
	}
	floor := newPace(contender{row: Row{Name: "floor"}, take: lasting(3)}, 3)
	seen, err := turns{length: 1, least: 100, pace: floor}.run(t.Context(), 0, []contender{{row: Row{Name: "tier"}, take: tier}})
	if err != nil {
		t.Fatal(err)
	}
	row := seen[0].rows()[0]
	if row.N != 100 || *row.P99 != 24 || math.Abs(*row.OverFloor.P50-4) > 1e-9 || math.Abs(*row.OverFloor.P99-4) > 1.5 {
		t.Errorf("%+v, over the floor %v and %v", row, *row.OverFloor.P50, *row.OverFloor.P99)
	}
	if f := floor.floor.rows()[0]; f.N != 303 { // before each turn, and after the last
		t.Errorf("%d samples of the floor", f.N)
	}
}

// A floor that cannot be had leaves the rows without multiples, and says why.
func TestAFloorThatFails(t *testing.T) {
	floor := newPace(contender{row: Row{Name: "floor"}, take: never(errors.New("no floor"))}, 3)
	seen, err := turns{length: 2, least: 2, pace: floor}.run(t.Context(), 0, []contender{{row: Row{Name: "tier"}, take: func(context.Context) (sample, error) { return sample{took: 1}, nil }}})
	if err != nil {
		t.Fatal(err)
	}
	if row := seen[0].rows()[0]; row.N != 4 || row.OverFloor != nil {
		t.Errorf("%+v", row)
	}
	if row := floor.floor.rows()[0]; row.Missing != "no floor" {
		t.Errorf("%+v", row)
	}
}

// An emulated tier is marked in all its rows, and compared with nothing.
func TestEmulatedRowsAreMarked(t *testing.T) {
	all := []Row{{Name: tierRow("light", TierCold)}, {Name: tierRow("microvm", TierCold), Ratios: []Ratio{{Over: "x"}}}, {Name: tierRow("microvm", TierIdle)}}
	(&tierTurns{emulated: []string{"microvm"}}).label(all)
	if all[0].Emulated || !all[1].Emulated || !all[2].Emulated || all[1].Ratios != nil {
		t.Errorf("%+v", all)
	}
}
