package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"lambent.dev/lambent/bench"
)

//go:embed page.html
var text string

// Write writes the page of a report.
func Write(w io.Writer, r *bench.Report) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"figure": bench.Figure, "bars": bars, "curves": curves, "seconds": seconds, "over": over, "verdict": verdict, "percent": percent, "times": times,
	}).Parse(text)
	if err != nil {
		return err
	}
	return t.Execute(w, newView(r))
}

// view is a report in the order in which the page shows it.
type view struct {
	*bench.Report
	Goals    []goal
	Met      int // of the goals that were measured
	Measured int
	Sections []section
}

type section struct {
	bench.Group
	Rows   []bench.Row
	Curves []bench.Row // those that a plot of curves shows
}

// goal is one target that was set, and what came of it.
type goal struct {
	What, Got, Want string
	Met             *bool
}

func newView(r *bench.Report) view {
	v := view{Report: r}
	for _, g := range r.Groups {
		s := section{Group: g}
		for _, row := range r.Rows {
			if row.Group == g.Name {
				s.add(row)
				v.addGoals(row)
			}
		}
		v.Sections = append(v.Sections, s)
	}
	for _, g := range v.Goals {
		if g.Met != nil {
			v.Measured++
		}
		if g.Met != nil && *g.Met {
			v.Met++
		}
	}
	return v
}

// leastForCurve is how many samples make a curve worth drawing.
const leastForCurve = 20

func (s *section) add(row bench.Row) {
	s.Rows = append(s.Rows, row)
	if row.Missing == "" && row.Unit == "ms" && row.N >= leastForCurve {
		s.Curves = append(s.Curves, row)
	}
}

func (v *view) addGoals(row bench.Row) {
	for _, ratio := range row.Ratios {
		if ratio.MostP50 == 0 && ratio.MostP99 == 0 && ratio.LeastP50 == 0 {
			continue
		}
		v.Goals = append(v.Goals, goal{What: row.Group + ": " + row.Name + " over " + over(ratio), Got: got(ratio), Want: want(ratio), Met: ratio.Met})
	}
	if l := row.Limit; l != nil {
		v.Goals = append(v.Goals, goal{
			What: row.Group + ": " + row.Name, Got: bench.Figure(row.P50) + " " + row.Unit, Want: "≤ " + bench.Figure(&l.Most) + " " + row.Unit, Met: l.Met,
		})
	}
}

func got(r bench.Ratio) string {
	if r.P50 == nil {
		return "not measured"
	}
	text := times(r.P50)
	if r.MostP99 > 0 {
		text += ", p99 " + times(r.P99)
	}
	return text
}

func want(r bench.Ratio) string {
	var parts []string
	if r.MostP50 > 0 {
		parts = append(parts, "≤ "+times(&r.MostP50))
	}
	if r.MostP99 > 0 {
		parts = append(parts, "p99 ≤ "+times(&r.MostP99))
	}
	if r.LeastP50 > 0 {
		parts = append(parts, "≥ "+times(&r.LeastP50))
	}
	return strings.Join(parts, ", ")
}

func times(v *float64) string {
	if v == nil {
		return "–"
	}
	return bench.Figure(v) + "×"
}

// over is the name of the floor without its group.
func over(r bench.Ratio) string {
	_, name, _ := strings.Cut(r.Over, "/")
	return name
}

// verdict is a word and a class of the style sheet.
func verdict(met *bool) string {
	switch {
	case met == nil:
		return "open"
	case *met:
		return "met"
	default:
		return "missed"
	}
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
