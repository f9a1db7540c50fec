package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"lambent.dev/lambent/bench"
)

// measuredTax has one isolation; a machine that is so many times slower takes so many times longer.
func measuredTax(slower, cold, tail, idle float64) *isolationTax {
	v := func(x float64) *float64 { return &x }
	return &isolationTax{Tiers: []tierTax{
		{Tier: "light", Cold: quantiles{N: 100, P50: v(cold * slower), P99: v(tail * slower), OverFloor: &bench.Quantiles{P50: v(cold), P99: v(tail)}}, IdleMB: v(idle)},
		{Tier: "microvm", Missing: "no KVM"},
	}}
}

// uncertain leaves the tail without an upper bound.
func uncertain(t *isolationTax) *isolationTax {
	t.Tiers[0].Cold.Range = &bench.Range{Low: t.Tiers[0].Cold.P50}
	return t
}

// What is within 15 % agrees; where the machine was slower, what is so as a multiple of the floor.
func TestConfirm(t *testing.T) {
	for name, test := range map[string]struct {
		other *isolationTax
		want  string
		fails bool
	}{
		"nearly the same":         {measuredTax(1.1, 3, 9, 2.2), "2 of 2 medians, rates and sizes agree within 15 %. Of the tails 1 of 1 agree.", false},
		"a slower machine":        {measuredTax(1.9, 3.2, 9, 2), "2 of 2 medians, rates and sizes agree within 15 %, 1 of them only as multiples of the floor", false},
		"a slower isolation":      {measuredTax(1, 4, 9, 2), "1 of 2 medians", true},
		"a larger one":            {measuredTax(1, 3, 9, 3), "1 of 2 medians", true},
		"few samples":             {uncertain(measuredTax(1, 3, 20, 2)), "Of the tails 1 of 1 agree, 1 of them only as ranges", false},
		"a tail alone is no fail": {measuredTax(1, 3, 20, 2), "2 of 2 medians, rates and sizes agree within 15 %. Of the tails 0 of 1 agree.", false},
	} {
		mine := measuredTax(1, 3, 9, 2)
		mine.Tiers[0].Cold.Range = &bench.Range{Low: mine.Tiers[0].Cold.P50}
		c, err := confirm(mine, test.other)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := c.print(&b); err != nil {
			t.Fatal(err)
		}
		if said := strings.Join(strings.Fields(b.String()), " "); !strings.Contains(said, test.want) || (c.verdict() != nil) != test.fails {
			t.Errorf("%s: %v\n%s", name, c.verdict(), b.String())
		}
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > maxWidth {
				t.Errorf("%d columns: %s", n, line)
			}
		}
	}
}

func TestWhatCannotBeConfirmed(t *testing.T) {
	for want, other := range map[string]*isolationTax{
		"only one of the two measured light": {Tiers: []tierTax{{Tier: "light", Missing: "gone"}, {Tier: "microvm", Missing: "no KVM"}}},
		"does not":                           {},
	} {
		if _, err := confirm(measuredTax(1, 3, 9, 2), other); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
