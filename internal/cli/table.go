package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxWidth is the most columns of a table.
const maxWidth = 100

// table is rows of cells under headings, printed in columns.
type table struct {
	headings []string
	rows     [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// write prints the table. What does not fit into maxWidth is cut, in the widest column first.
func (t *table) write(w io.Writer) error {
	all := append([][]string{t.headings}, t.rows...)
	widths := fit(widthsOf(all))
	for _, row := range all {
		if _, err := fmt.Fprintln(w, line(row, widths)); err != nil {
			return err
		}
	}
	return nil
}

const gap = 2 // columns between cells

func widthsOf(rows [][]string) []int {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

func fit(widths []int) []int {
	total := gap * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for ; total > maxWidth; total-- {
		widest := 0
		for i := range widths {
			if widths[i] >= widths[widest] {
				widest = i
			}
		}
		widths[widest]--
	}
	return widths
}

func line(cells []string, widths []int) string {
	var b strings.Builder
	for i, cell := range cells {
		cell = cut(cell, widths[i])
		b.WriteString(cell)
		b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+gap))
	}
	return strings.TrimRight(b.String(), " ")
}

// cut shortens a text to a number of columns.
func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:max(most-1, 0)]) + "…"
}

// pairs prints names and values in two columns; empty values are left out. A long value goes
// on in the next line, but a word is never broken: an ARN is there to be copied.
func pairs(w io.Writer, all ...[2]string) error {
	widest := 0
	for _, p := range all {
		widest = max(widest, len(p[0]))
	}
	for _, p := range all {
		lead := fmt.Sprintf("%-*s  ", widest, p[0])
		for _, line := range lines(strings.Fields(printable([]byte(p[1]))), maxWidth-len(lead)) {
			if _, err := fmt.Fprintln(w, lead+line); err != nil {
				return err
			}
			lead = strings.Repeat(" ", len(lead))
		}
	}
	return nil
}
