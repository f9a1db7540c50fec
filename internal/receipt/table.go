package receipt

import (
	"fmt"
	"strconv"
)

// Columns are the headings of Row.
func Columns() []string {
	columns := []string{"VERSION", "ISOLATION", "START"}
	for _, p := range Phases() {
		columns = append(columns, p.String()+" ms")
	}
	return append(columns, "wall ms", "peak MiB", "WHY")
}

// Row is the receipt as one row of a table for people: phases in milliseconds with
// three decimals, memory in MiB.
func (r *Receipt) Row() []string {
	row := []string{r.Version, r.Tier.String(), string(r.Start)}
	for _, p := range Phases() {
		row = append(row, decimal(milliseconds(r.Spent[p])))
	}
	peak := fmt.Sprintf("%.1f", float64(r.MemoryPeak)/(1<<20))
	return append(row, decimal(milliseconds(r.Wall())), peak, r.Why)
}

func decimal(ms float64) string { return strconv.FormatFloat(ms, 'f', 3, 64) }
