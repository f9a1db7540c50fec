package page

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"lambent.dev/lambent/internal/bill"
)

// Sizes of the two plots beside the functions', in the units of their pictures.
const (
	plotWide  = 940
	splitRow  = 26
	splitLeft = 220
	splitBars = 560
	startsTop = 24 // room for the number above the highest column
	startsHas = 150
	startsLow = 26 // room for the scale below
	startsPad = 30 // room for half a number of the scale
)

// split draws what the whole was paid for, without overlap, the dearest first.
func split(s bill.Sum) template.HTML {
	all := paid(parts(s))
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="what the whole was paid for">`, plotWide, splitRow*len(all))
	for i, p := range all {
		y, wide := i*splitRow, p.usd/all[0].usd*splitBars
		fmt.Fprintf(&b, `<text text-anchor="end" x="%d" y="%d">%s</text>`, splitLeft-10, y+17, p.name)
		fmt.Fprintf(&b, `<rect class="%s" x="%d" y="%d" width="%.1f" height="16"/>`, p.class, splitLeft, y+4, wide)
		fmt.Fprintf(&b, `<text class="value" x="%.1f" y="%d">%s, %.1f %%</text>`, splitLeft+wide+8, y+17, bill.USD(p.usd), 100*p.usd/s.USD)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// paid are the parts that cost something, the dearest first. What worked on provisioned
// concurrency is work like other duration, but paid for apart.
func paid(all []part) []part {
	all = slices.DeleteFunc(all, func(p part) bool { return p.usd <= 0 })
	slices.SortStableFunc(all, func(a, b part) int { return cmp.Compare(b.usd, a.usd) })
	return all
}

// starts draws how many cold starts and restores took how long.
func starts(all []bill.Bin) template.HTML {
	if len(all) == 0 {
		return ""
	}
	var most int64
	for _, bin := range all {
		most = max(most, bin.N)
	}
	wide := min(90, float64(plotWide-2*startsPad)/float64(len(all)))
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="how long cold starts took">`, plotWide, startsTop+startsHas+startsLow)
	for i, bin := range all {
		x, high := startsPad+float64(i)*wide, startsHas*float64(bin.N)/float64(most)
		if bin.N > 0 {
			fmt.Fprintf(&b, `<rect class="init" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, x+2, startsTop+startsHas-high, wide-4, high)
			fmt.Fprintf(&b, `<text text-anchor="middle" class="value" x="%.1f" y="%.1f">%d</text>`, x+wide/2, startsTop+startsHas-high-6, bin.N)
		}
		fmt.Fprintf(&b, `<text text-anchor="middle" x="%.1f" y="%d">%g</text>`, x, startsTop+startsHas+18, bin.From)
	}
	fmt.Fprintf(&b, `<text text-anchor="middle" x="%.1f" y="%d">%g ms</text>`, startsPad+wide*float64(len(all)), startsTop+startsHas+18, all[len(all)-1].To)
	b.WriteString("</svg>")
	return template.HTML(b.String())
}
