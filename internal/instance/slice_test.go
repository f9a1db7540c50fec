package instance

import (
	"slices"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// A function that is seen to compute for a short time gets short slices, keeps them while it is
// nearly that, and loses them before it has had another sixteen long ones.
func TestSliceFollowsTheWork(t *testing.T) {
	const ms = time.Millisecond
	for name, test := range map[string]struct {
		work []time.Duration
		want []time.Duration
	}{
		"never known":  {slices.Repeat([]time.Duration{ms}, sliceAfter-1), nil},
		"short":        {slices.Repeat([]time.Duration{ms}, 3*sliceAfter), []time.Duration{shortSlice}},
		"long":         {slices.Repeat([]time.Duration{100 * ms}, 3*sliceAfter), nil},
		"between":      {slices.Repeat([]time.Duration{3 * ms}, 3*sliceAfter), nil},
		"stays short":  {append(slices.Repeat([]time.Duration{ms}, sliceAfter), slices.Repeat([]time.Duration{3 * ms}, 3*sliceAfter)...), []time.Duration{shortSlice}},
		"becomes long": {append(slices.Repeat([]time.Duration{ms}, sliceAfter), 100*ms), []time.Duration{shortSlice, 0}},
		"some long":    {append(slices.Repeat([]time.Duration{ms}, sliceAfter), 40*ms, ms, ms), []time.Duration{shortSlice}},
		"and short again": {
			slices.Concat(slices.Repeat([]time.Duration{ms}, sliceAfter), []time.Duration{100 * ms}, slices.Repeat([]time.Duration{ms}, sliceAfter)),
			[]time.Duration{shortSlice, 0, shortSlice},
		},
	} {
		t.Run(name, func(t *testing.T) {
			i, box := gauged(t)
			box.Spend(time.Second, 0, 0) // the initialisation
			if err := i.firstReading(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, work := range test.work {
				c := i.begins(t, lambda.RequestResponse)
				box.Spend(work, 0, 0)
				c.ends(t)
			}
			if got := box.Slices(); !slices.Equal(got, test.want) {
				t.Errorf("slices %v, want %v", got, test.want)
			}
		})
	}
}
