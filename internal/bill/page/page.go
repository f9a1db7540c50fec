package page

import (
	_ "embed"
	"fmt"
	"html"
	"html/template"
	"io"
	"strings"

	"lambent.dev/lambent/internal/bill"
)

//go:embed page.html
var text string

// Write writes the page of a statement; sources name where its prices come from.
func Write(w io.Writer, s *bill.Statement, sources []string) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"usd": bill.USD, "long": bill.Long, "bars": bars, "split": split, "starts": starts, "percent": func(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) },
		"ms": func(v float64) string { return fmt.Sprintf("%.4g", v) },
	}).Parse(text)
	if err != nil {
		return err
	}
	return t.Execute(w, struct {
		*bill.Statement
		Sources []string
		Wasted  float64 // US dollars that paid for no work
		Share   float64 // of all
	}{s, sources, wasted(s.Total), wasted(s.Total) / max(s.Total.USD, 1e-12)})
}

// wasted is what INIT, memory that was never used and idle provisioned concurrency cost together,
// nothing of it counted twice.
func wasted(s bill.Sum) (usd float64) {
	for _, p := range parts(s) {
		if p.class == "init" || p.class == "unused" || p.class == "idle" {
			usd += p.usd
		}
	}
	return usd
}

// drawn is how many functions a picture shows.
const drawn = 12

// bars draws what each function cost, and which part of it paid for INIT, for unused memory
// and for provisioned concurrency that stood idle.
func bars(functions []bill.Function) template.HTML {
	functions = functions[:min(drawn, len(functions))]
	if len(functions) == 0 || functions[0].USD == 0 {
		return ""
	}
	const row, left, wide = 26, 220, 620
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 940 %d" role="img" aria-label="what each function cost">`, row*len(functions))
	for i, f := range functions {
		scale, y := wide/functions[0].USD, i*row
		fmt.Fprintf(&b, `<text text-anchor="end" x="%d" y="%d">%s</text>`, left-10, y+17, html.EscapeString(shortened(f.Name)))
		at := float64(left)
		for _, part := range parts(f.Sum) {
			fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="%d" width="%.1f" height="16"><title>%s %s</title></rect>`, part.class, at, y+4, part.usd*scale, part.name, bill.USD(part.usd))
			at += part.usd * scale
		}
		fmt.Fprintf(&b, `<text class="value" x="%.1f" y="%d">%s</text>`, at+8, y+17, bill.USD(f.USD))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

type part struct {
	class, name string
	usd         float64
}

// parts split a cost without overlap: memory that INIT did not use counts as INIT.
func parts(s bill.Sum) []part {
	unused := min(s.UnusedUSD, max(0, s.DurationUSD-s.InitUSD))
	used := max(0, s.DurationUSD-s.InitUSD-unused)
	return []part{
		{"used", "work", used + s.RestoreUSD},
		{"requests", "requests", s.RequestUSD},
		{"init", "INIT", s.InitUSD},
		{"unused", "memory never used", unused},
		{"used", "provisioned, working", s.ReadyUSD - s.ReadyIdleUSD},
		{"idle", "provisioned, idle", s.ReadyIdleUSD},
	}
}

func shortened(name string) string {
	if r := []rune(name); len(r) > 30 {
		return string(r[:29]) + "…"
	}
	return name
}
