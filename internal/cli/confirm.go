package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"lambent.dev/lambent/bench"
)

// apartMost is by how much two measurements of one thing may differ and still agree.
const apartMost = 0.15

// A confirmation compares what `lambent tax` measured with the group tiers of `lambent bench`.
type confirmation struct {
	Figures []confirmed `json:"figures"`
	Medians tally       `json:"medians"` // medians, rates and memory
	Tails   tally       `json:"tails"`   // 99th percentiles
}

// tally counts figures. Those that agree only as multiples of the floor, or only because too few
// samples tell them apart, are among Agree.
type tally struct {
	All   int `json:"all"`
	Agree int `json:"agree"`
	Floor int `json:"agree_over_the_floor"`
	Range int `json:"agree_as_ranges"`
}

// confirmed is one figure of one isolation, measured twice.
type confirmed struct {
	Tier     string   `json:"tier"`
	What     string   `json:"what"`
	Tail     bool     `json:"tail,omitempty"`
	Emulated bool     `json:"emulated,omitempty"`
	Tax      *float64 `json:"tax"`
	Bench    *float64 `json:"bench"`
	Apart    *float64 `json:"apart"` // the larger over the smaller, less one

	TaxOverFloor   *float64 `json:"tax_over_floor,omitempty"`
	BenchOverFloor *float64 `json:"bench_over_floor,omitempty"`
	ApartOverFloor *float64 `json:"apart_over_floor,omitempty"`

	// Ranges of a tail: where few samples leave it uncertain, two that meet may be the same.
	TaxRange   *bench.Range `json:"tax_range,omitempty"`
	BenchRange *bench.Range `json:"bench_range,omitempty"`
}

// confirm compares figure by figure. What one of the two lacks is left out, but a tier that only
// one of them measured is an error.
func confirm(tax, other *isolationTax) (*confirmation, error) {
	c := &confirmation{}
	for _, x := range tax.Tiers {
		y, err := other.tier(x.Tier)
		if err != nil {
			return nil, err
		}
		if (x.Missing == "") != (y.Missing == "") {
			return nil, fmt.Errorf("only one of the two measured %s: %s", x.Tier, x.Missing+y.Missing)
		}
		c.addTier(&x, y)
	}
	if len(c.Figures) == 0 {
		return nil, errors.New("there is nothing to compare: the two have no figure in common")
	}
	return c, nil
}

func (t *isolationTax) tier(name string) (*tierTax, error) {
	for i := range t.Tiers {
		if t.Tiers[i].Tier == name {
			return &t.Tiers[i], nil
		}
	}
	return nil, fmt.Errorf("the tax knows an isolation %s that this lambent does not", name)
}

func (c *confirmation) addTier(x, y *tierTax) {
	add := func(what string, a, b, aOver, bOver *float64, ranges ...*bench.Range) {
		if a == nil || b == nil {
			return
		}
		f := confirmed{
			Tier: x.Tier, What: what, Tail: len(ranges) > 0, Emulated: x.Emulated || y.Emulated,
			Tax: a, Bench: b, Apart: apart(a, b), TaxOverFloor: aOver, BenchOverFloor: bOver, ApartOverFloor: apart(aOver, bOver),
		}
		if f.Tail {
			f.TaxRange, f.BenchRange = ranges[0], ranges[1]
		}
		c.add(f)
	}
	for _, part := range []struct {
		what string
		a, b quantiles
	}{{"cold, ms", x.Cold, y.Cold}, {"warm, ms", x.Warm, y.Warm}} {
		a, b := overFloor(part.a), overFloor(part.b)
		add(part.what, part.a.P50, part.b.P50, a.P50, b.P50)
		add(part.what+", p99", part.a.P99, part.b.P99, a.P99, b.P99, part.a.Range, part.b.Range)
	}
	add("requests/s", x.Rate.PerSecond, y.Rate.PerSecond, x.Rate.OverFloor, y.Rate.OverFloor)
	add("idle, MB", x.IdleMB, y.IdleMB, nil, nil)
}

func overFloor(q quantiles) bench.Quantiles {
	if q.OverFloor == nil {
		return bench.Quantiles{}
	}
	return *q.OverFloor
}

func (c *confirmation) add(f confirmed) {
	c.Figures = append(c.Figures, f)
	t := &c.Medians
	if f.Tail {
		t = &c.Tails
	}
	t.All++
	switch {
	case within(f.Apart):
		t.Agree++
	case within(f.ApartOverFloor):
		t.Agree++
		t.Floor++
	case meet(f.TaxRange, f.BenchRange):
		t.Agree++
		t.Range++
	}
}

// apart is by how much the larger of two exceeds the smaller, as a share of it; nil where one is
// not known.
func apart(a, b *float64) *float64 {
	if a == nil || b == nil || *a <= 0 || *b <= 0 {
		return nil
	}
	d := max(*a, *b)/min(*a, *b) - 1
	return &d
}

// meet says whether two ranges have something in common.
func meet(a, b *bench.Range) bool {
	return a != nil && b != nil && !above(a.Low, b.High) && !above(b.Low, a.High)
}

func above(low, high *float64) bool { return low != nil && high != nil && *low > *high }

func within(d *float64) bool { return d != nil && *d <= apartMost }

// verdict is an error where a median does not agree. Tails are told and fail nothing: of a
// hundred starts the 99th percentile is one start.
func (c *confirmation) verdict() error {
	if c.Medians.Agree == c.Medians.All {
		return nil
	}
	return fmt.Errorf("%d of %d figures differ by more than %.0f %%", c.Medians.All-c.Medians.Agree, c.Medians.All, 100*apartMost)
}

func (c *confirmation) print(w io.Writer) error {
	if err := c.table().write(w); err != nil {
		return err
	}
	return paragraph(w, "", c.sentence())
}

func (c *confirmation) table() *table {
	t := &table{headings: []string{"ISOLATION", "WHAT", "TAX", "BENCH", "APART", "OVER THE FLOOR", "BENCH", "APART", "AGREES"}}
	for _, f := range c.Figures {
		name := f.Tier
		if f.Emulated {
			name += "*"
		}
		t.add(name, f.What, three(f.Tax, ""), three(f.Bench, ""), percentOf(f.Apart), three(f.TaxOverFloor, ""), three(f.BenchOverFloor, ""), percentOf(f.ApartOverFloor), f.agrees())
	}
	return t
}

func (f *confirmed) agrees() string {
	switch {
	case within(f.Apart):
		return "yes"
	case within(f.ApartOverFloor):
		return "over the floor"
	case meet(f.TaxRange, f.BenchRange):
		return "as ranges"
	}
	return "no"
}

func percentOf(share *float64) string {
	if share == nil {
		return "–"
	}
	return fmt.Sprintf("%.0f %%", 100**share)
}

func (c *confirmation) sentence() string {
	text := fmt.Sprintf("%d of %d medians, rates and sizes agree within %.0f %%", c.Medians.Agree, c.Medians.All, 100*apartMost)
	if c.Medians.Floor > 0 {
		text += fmt.Sprintf(", %d of them only as multiples of the floor between the turns: the machine itself was faster in one run", c.Medians.Floor)
	}
	text += fmt.Sprintf(". Of the tails %d of %d agree", c.Tails.Agree, c.Tails.All)
	if c.Tails.Range > 0 {
		text += fmt.Sprintf(", %d of them only as ranges in which 95 of 100 such measurements lie", c.Tails.Range)
	}
	text += "."
	for _, f := range c.Figures {
		if f.Emulated {
			return text + " * software emulation."
		}
	}
	return text
}

// readTax reads what `lambent tax --output json` wrote.
func readTax(path string) (*isolationTax, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a tax: %w", err)
	}
	var t isolationTax
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, fmt.Errorf("reading the tax %s: %w", path, err)
	}
	if len(t.Tiers) == 0 {
		return nil, fmt.Errorf("reading the tax %s: it has no isolation; `lambent tax --output json > %s` measures them", path, path)
	}
	return &t, nil
}

// measuredTiers says whether a report has the group that a tax can be compared with.
func measuredTiers(r *bench.Report) bool {
	for _, row := range r.Rows {
		if strings.HasPrefix(row.ID(), "tiers/") {
			return true
		}
	}
	return false
}
