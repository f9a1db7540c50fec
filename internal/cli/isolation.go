package cli

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"lambent.dev/lambent/bench"
	"lambent.dev/lambent/internal/bill"
	"lambent.dev/lambent/internal/price"
)

// isolationTax is what each isolation costs on this host.
type isolationTax struct {
	Function string        `json:"function"`
	Began    time.Time     `json:"began"`
	Seconds  float64       `json:"seconds"`
	Machine  bench.Machine `json:"machine"`
	HourUSD  float64       `json:"machine_hour_usd"`
	PricedAs string        `json:"machine_priced_as"`
	Tiers    []tierTax     `json:"tiers"`
	Floor    tierTax       `json:"floor"`  // bare processes and an echo of HTTP, between the turns of all
	Starts   []bill.Start  `json:"starts"` // what lambent tax --from --starts reads
}

// tierTax is one isolation, and how it differs from light.
type tierTax struct {
	Tier     string    `json:"tier"`
	Missing  string    `json:"missing,omitempty"` // why this host lacks it
	Emulated bool      `json:"emulated,omitempty"`
	Cold     quantiles `json:"cold_ms"`
	Warm     quantiles `json:"warm_ms"`
	Rate     rate      `json:"throughput"`
	IdleMB   *float64  `json:"idle_mb"`
	Fit      int       `json:"instances_that_fit,omitempty"`
	Million  *float64  `json:"million_usd"` // requests on this machine, flat out

	ColdTax    *float64 `json:"cold_tax_ms"`
	WarmTax    *float64 `json:"warm_tax_ms"`
	IdleTax    *float64 `json:"idle_tax_mb"`
	MillionTax *float64 `json:"million_tax_usd"`
}

type quantiles struct {
	N   int      `json:"n"`
	P50 *float64 `json:"p50"`
	P99 *float64 `json:"p99"`
	// Range says how far P99 can be trusted: few samples leave it wide.
	Range *bench.Range `json:"p99_range,omitempty"`
	// OverFloor are the same as multiples of the floor right before and after each sample.
	OverFloor *bench.Quantiles `json:"over_floor,omitempty"`
}

// rate is how many answers come in a second, and as a multiple of the floor's.
type rate struct {
	PerSecond *float64 `json:"requests_per_second"`
	OverFloor *float64 `json:"over_floor,omitempty"`
}

func rateOf(r bench.Row) rate {
	if r.OverFloor == nil {
		return rate{PerSecond: r.P50}
	}
	return rate{r.P50, r.OverFloor.P50}
}

// floorTier is what the others are compared with: the least that isolates.
const floorTier = "light"

// taxOf reads the group tiers of a report. hour is what the machine costs.
func taxOf(r *bench.Report, function, pricedAs string, hour float64) *isolationTax {
	t := &isolationTax{Function: function, Began: r.Began, Seconds: r.Seconds, Machine: r.Machine, HourUSD: hour, PricedAs: pricedAs}
	t.Floor = t.tierOf(r, bench.TierFloor)
	for _, tier := range bench.Tiers() {
		t.Tiers = append(t.Tiers, t.tierOf(r, tier))
	}
	floor := t.Tiers[slices.IndexFunc(t.Tiers, func(o tierTax) bool { return o.Tier == floorTier })]
	for i := range t.Tiers {
		t.Tiers[i].compare(&floor)
		t.Starts = append(t.Starts, t.Tiers[i].start())
	}
	return t
}

func (t *isolationTax) tierOf(r *bench.Report, tier string) tierTax {
	cold, warm := tierRow(r, tier, bench.TierCold), tierRow(r, tier, bench.TierWarm)
	idle := tierRow(r, tier, bench.TierIdle)
	x := tierTax{Tier: tier, Missing: cold.Missing, Emulated: cold.Emulated, Cold: quantilesOf(cold), Warm: quantilesOf(warm), Rate: rateOf(tierRow(r, tier, bench.TierRate)), IdleMB: idle.P50}
	if x.IdleMB != nil && *x.IdleMB > 0 {
		x.Fit = int(t.Machine.Memory * 1024 * 1.048576 / *x.IdleMB) // GiB into MB of 10⁶ bytes
	}
	if per := x.Rate.PerSecond; per != nil && *per > 0 {
		usd := t.HourUSD / 3600 / *per * 1e6
		x.Million = &usd
	}
	return x
}

func tierRow(r *bench.Report, tier, part string) bench.Row {
	i := slices.IndexFunc(r.Rows, func(row bench.Row) bool { return row.Group == "tiers" && row.Name == tier+", "+part })
	if i < 0 {
		return bench.Row{Missing: "it was not measured"}
	}
	return r.Rows[i]
}

func quantilesOf(r bench.Row) quantiles { return quantiles{r.N, r.P50, r.P99, r.P99Range, r.OverFloor} }

// compare fills in the difference to light. An emulated machine's is no tax: it says nothing
// of a real one.
func (x *tierTax) compare(floor *tierTax) {
	if x.Tier == floor.Tier || x.Emulated {
		return
	}
	x.ColdTax, x.WarmTax = minus(x.Cold.P50, floor.Cold.P50), minus(x.Warm.P50, floor.Warm.P50)
	x.IdleTax, x.MillionTax = minus(x.IdleMB, floor.IdleMB), minus(x.Million, floor.Million)
}

func minus(a, b *float64) *float64 {
	if a == nil || b == nil {
		return nil
	}
	d := *a - *b
	return &d
}

func (x *tierTax) start() bill.Start {
	s := bill.Start{Tier: x.Tier, Missing: x.Missing, Emulated: x.Emulated}
	for value, to := range map[*float64]*float64{x.Cold.P50: &s.P50, x.Cold.P99: &s.P99, x.IdleMB: &s.IdleMB} {
		if value != nil {
			*to = *value
		}
	}
	return s
}

// machineHour is what this machine costs an hour: what its owner says it costs a month, or
// that of as many cores of an EC2 instance.
func machineHour(prices *price.Table, month float64) (usd float64, as string) {
	const hours = 730 // in a month, as AWS reckons
	if month > 0 {
		return month / hours, fmt.Sprintf("$%.2f a month, from the configuration", month)
	}
	const like = "c7i.xlarge"
	e := prices.EC2[like]
	return e.Hour / e.VCPU * float64(runtime.NumCPU()), fmt.Sprintf("%d of the %.0f vCPUs of a %s", runtime.NumCPU(), e.VCPU, like)
}

func (t *isolationTax) print(w io.Writer) error {
	if err := paragraph(w, "", t.head()); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	if err := t.table().write(w); err != nil {
		return err
	}
	for _, text := range t.notes() {
		if err := paragraph(w, "", text); err != nil {
			return err
		}
	}
	return nil
}

func (t *isolationTax) head() string {
	return fmt.Sprintf("%s in every isolation of this host, %d cores, by turns in %.0f s. The tax is the difference of the medians to %s.",
		t.Function, t.Machine.Cores, t.Seconds, floorTier)
}

func (t *isolationTax) table() *table {
	tb := &table{headings: []string{"ISOLATION", "COLD, MS", "WARM, MS", "REQ/S", "IDLE MB", "FIT", "TAX: COLD", "WARM", "IDLE", "$/MILLION"}}
	for _, x := range t.Tiers {
		if x.Missing == "" {
			tb.add(x.name(), x.Cold.cell(), x.Warm.cell(), three(x.Rate.PerSecond, ""), three(x.IdleMB, ""), fmt.Sprint(x.Fit),
				signed(x.ColdTax, " ms"), signed(x.WarmTax, " ms"), signed(x.IdleTax, " MB"), dollars(x.MillionTax))
		}
	}
	return tb
}

func (x *tierTax) name() string {
	if x.Emulated {
		return x.Tier + "*"
	}
	return x.Tier
}

func (q quantiles) cell() string { return three(q.P50, "") + "/" + three(q.P99, "") }

func three(v *float64, unit string) string {
	if v == nil {
		return "–"
	}
	if *v >= 1000 {
		return fmt.Sprintf("%.0f%s", *v, unit)
	}
	return fmt.Sprintf("%.3g%s", *v, unit)
}

func signed(v *float64, unit string) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%+.3g%s", *v, unit)
}

func dollars(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%+.4f", *v)
}

func (t *isolationTax) notes() []string {
	notes := []string{fmt.Sprintf("Times are p50/p99. N: %s. FIT is how many idle instances fit into memory. $/MILLION is what a million requests flat out cost of this machine, priced as %s.", t.samples(), t.PricedAs)}
	if few := t.fewStarts(); few != "" {
		notes = append(notes, few)
	}
	for _, x := range t.Tiers {
		if x.Missing != "" {
			notes = append(notes, fmt.Sprintf("%s was not measured: %s", x.Tier, x.Missing))
		}
		if x.Emulated {
			notes = append(notes, "* software emulation: this says nothing of what a microVM costs where there is KVM, and is no tax.")
		}
	}
	return notes
}

// fewStarts says where there were too few for a 99th percentile.
func (t *isolationTax) fewStarts() string {
	var few []string
	for _, x := range t.Tiers {
		if x.Missing == "" && x.Cold.P99 == nil {
			few = append(few, x.Tier)
		}
	}
	if len(few) == 0 {
		return ""
	}
	return fmt.Sprintf("Too few cold starts for a p99, which needs 100: %s; a larger --seconds takes more.", strings.Join(few, ", "))
}

func (t *isolationTax) samples() string {
	var parts []string
	for _, x := range t.Tiers {
		if x.Missing == "" {
			parts = append(parts, fmt.Sprintf("%s %d cold, %d warm", x.Tier, x.Cold.N, x.Warm.N))
		}
	}
	return strings.Join(parts, "; ")
}
