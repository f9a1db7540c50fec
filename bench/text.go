package bench

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// width is the most columns of the tables for terminals.
const width = 100

// Text writes a report as tables for a terminal, 100 columns wide at most.
func (r *Report) Text(w io.Writer) error {
	p := &printer{w: w}
	p.line("%s, %s, %d cores, %.0f GiB, %s, load before %s", r.Machine.CPU, r.Machine.Kernel, r.Machine.Cores, r.Machine.Memory, place(r.Machine.Guest), r.Machine.Load)
	p.line("%s", strings.Join(r.Machine.Tools, ", "))
	if r.Quick {
		p.line("A smoke run: the figures mean little.")
	}
	for _, g := range r.Groups {
		p.group(r, g)
	}
	return p.err
}

// wrapped breaks a text between words where a line is full.
func (p *printer) wrapped(indent, text string) {
	line := indent
	for word := range strings.FieldsSeq(text) {
		if line != indent && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			p.line("%s", line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	p.line("%s", line)
}

func place(guest bool) string {
	if guest {
		return "a virtual machine"
	}
	return "no virtual machine"
}

// printer keeps the first error of many writes.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, cut(strings.TrimRight(fmt.Sprintf(format, args...), " ")))
	}
}

func cut(text string) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}

func (p *printer) group(r *Report, g Group) {
	p.line("")
	p.line("%s (%s, %.0f s)%s", g.Title, g.Name, g.Seconds, disturbance(g))
	p.line("%-44s %6s %8s %8s %8s %8s  %s", "", "n", "p50", "p90", "p99", "p99.9", "unit")
	for _, row := range r.Rows {
		if row.Group == g.Name {
			p.row(&row)
		}
	}
}

// disturbance says that a hypervisor took more than a hundredth of the CPUs' time.
func disturbance(g Group) string {
	if g.Steal < 0.01 {
		return ""
	}
	return fmt.Sprintf(", %.0f %% of the CPUs' time stolen", 100*g.Steal)
}

func (p *printer) row(r *Row) {
	if r.Missing != "" {
		p.line("%s", r.Name)
		p.wrapped("  ", "not measured: "+r.Missing)
		return
	}
	p.line("%-44s %6d %8s %8s %8s %8s  %s", r.Name, r.N, Figure(r.P50), Figure(r.P90), Figure(r.P99), Figure(r.P999), r.Unit)
	for _, text := range r.Remarks() {
		p.wrapped("  ", text)
	}
	for _, ratio := range r.Ratios {
		p.wrapped("  ", ratio.Sentence())
	}
	if r.Limit != nil {
		p.line("  target: at most %s %s%s", short(r.Limit.Most), r.Unit, verdict(r.Limit.Met))
	}
	if r.NotCold > 0 {
		p.line("  not counted: %d answers did not prove to be cold", r.NotCold)
	}
	for _, text := range []string{r.Note, r.Broken} {
		if text != "" {
			p.wrapped("  ", text)
		}
	}
}

// Remarks say what a row's figures stand for.
func (r *Row) Remarks() (all []string) {
	if r.Emulated {
		all = append(all, EmulatedRemark)
	}
	if o := r.OverFloor; o != nil && o.P50 != nil {
		text := times(o.P50) + " p50"
		if o.P99 != nil {
			text += ", " + times(o.P99) + " p99"
		}
		all = append(all, text+" over the floor around it")
	}
	if l := r.Late; l != nil && l.P99 != nil {
		all = append(all, "requests were sent late by "+Figure(l.P50)+" ms p50, "+Figure(l.P99)+" ms p99")
	}
	return all
}

// EmulatedRemark stands beside all figures of an emulated machine.
const EmulatedRemark = "software emulation of a processor: no real microVM's cost"

// Sentence says a ratio in words: "0.85× p50, 0.91× p99 of node -e 0; target 0.05×, 0.12×: not met".
func (r Ratio) Sentence() string {
	_, name, _ := strings.Cut(r.Over, "/")
	if r.P50 == nil {
		return "no ratio: " + name + " was not measured"
	}
	text := times(r.P50) + " p50"
	if r.P99 != nil {
		text += ", " + times(r.P99) + " p99"
	}
	return text + " of " + name + r.target()
}

func (r Ratio) target() string {
	var parts []string
	if r.MostP50 > 0 {
		parts = append(parts, "at most "+short(r.MostP50)+"× p50")
	}
	if r.MostP99 > 0 {
		parts = append(parts, "at most "+short(r.MostP99)+"× p99")
	}
	if r.LeastP50 > 0 {
		parts = append(parts, "at least "+short(r.LeastP50)+"×")
	}
	if len(parts) == 0 {
		return ""
	}
	return "; target " + strings.Join(parts, ", ") + verdict(r.Met)
}

func verdict(met *bool) string {
	switch {
	case met == nil:
		return ": open, for want of samples"
	case *met:
		return ": met"
	default:
		return ": not met"
	}
}

func times(v *float64) string { return short(*v) + "×" }

// Figure is a value with three digits that mean something; "-" for none.
func Figure(v *float64) string {
	if v == nil {
		return "-"
	}
	return short(*v)
}

// short writes a number with three digits that mean something and no exponent.
func short(v float64) string {
	decimals := 0
	for bound := 100.0; decimals < 4 && v < bound && v != 0; bound /= 10 {
		decimals++
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}
