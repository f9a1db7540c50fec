package bench

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Marks of the generated part of a document.
const (
	markBegin = "<!-- lambent bench: begin -->"
	markEnd   = "<!-- lambent bench: end -->"
)

var errNoMarks = errors.New("it has no generated part: put the lines " + markBegin + " and " + markEnd + " where the tables belong")

// Markdown returns a document with the report's tables between its marks, in the place of what
// stood there.
func (r *Report) Markdown(document []byte) ([]byte, error) {
	before, rest, found := bytes.Cut(document, []byte(markBegin))
	_, after, closed := bytes.Cut(rest, []byte(markEnd))
	if !found || !closed {
		return nil, errNoMarks
	}
	var b bytes.Buffer
	b.Write(before)
	b.WriteString(markBegin + "\n\n")
	r.tables(&b)
	b.WriteString(markEnd)
	b.Write(after)
	return b.Bytes(), nil
}

func (r *Report) tables(b *bytes.Buffer) {
	m := r.Machine
	fmt.Fprintf(b, "Lambent %s, %s, %.0f s. %s, %d cores, %.0f GiB, %s, %s, cgroups %s; load before %s. %s.\n",
		r.Version, r.Began.Format("2006-01-02"), r.Seconds, m.CPU, m.Cores, m.Memory, m.Kernel, place(m.Guest), m.Cgroups, m.Load, strings.Join(m.Tools, ", "))
	for _, g := range r.Groups {
		fmt.Fprintf(b, "\n### %s\n\n%s\n\n| what | n | p50 | p90 | p99 | p99.9 | unit |\n| --- | ---: | ---: | ---: | ---: | ---: | --- |\n", g.Title, g.Method)
		for _, row := range r.Rows {
			if row.Group == g.Name {
				row.markdown(b)
			}
		}
		r.ratiosOf(b, g)
	}
	b.WriteString("\n")
}

// cell keeps a text inside its cell.
func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", `\|`), "\n", " ")
}

func (r *Row) markdown(b *bytes.Buffer) {
	if r.Missing != "" {
		fmt.Fprintf(b, "| %s | – | | | | | not measured: %s |\n", cell(r.Name), cell(r.Missing))
		return
	}
	unit := r.Unit
	if r.Note != "" {
		unit += " (" + r.Note + ")"
	}
	fmt.Fprintf(b, "| %s | %d | %s | %s | %s | %s | %s |\n", cell(r.Name), r.N, Figure(r.P50), Figure(r.P90), Figure(r.P99), Figure(r.P999), cell(unit))
}

// ratiosOf lists the ratios and limits of a group below its table.
func (r *Report) ratiosOf(b *bytes.Buffer, g Group) {
	first := true
	item := func(name, text string) {
		if first {
			b.WriteString("\n")
			first = false
		}
		fmt.Fprintf(b, "- %s: %s\n", name, text)
	}
	for _, row := range r.Rows {
		if row.Group != g.Name || row.Missing != "" {
			continue
		}
		for _, text := range row.Remarks() {
			item(row.Name, text)
		}
		for _, ratio := range row.Ratios {
			item(row.Name, ratio.Sentence())
		}
		if row.Limit != nil {
			item(row.Name, "target at most "+short(row.Limit.Most)+" "+row.Unit+verdict(row.Limit.Met))
		}
	}
}
