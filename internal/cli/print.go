package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// paragraph prints a text in lines that fit, the first of them after a bullet.
func paragraph(w io.Writer, bullet, text string) error {
	indent := utf8.RuneCountInString(bullet)
	for i, line := range wrap(printable([]byte(text)), maxWidth-indent) {
		lead := bullet
		if i > 0 {
			lead = strings.Repeat(" ", indent)
		}
		if _, err := fmt.Fprintln(w, lead+line); err != nil {
			return err
		}
	}
	return nil
}

// wrap breaks a text at blanks into lines of so many columns, and a longer word anywhere:
// nothing of it is lost.
func wrap(text string, columns int) []string {
	var words []string
	for word := range strings.FieldsSeq(text) {
		for runes := range slices.Chunk([]rune(word), columns) {
			words = append(words, string(runes))
		}
	}
	return lines(words, columns)
}

// lines puts words into lines of so many columns; a longer one has a line of its own.
func lines(words []string, columns int) (all []string) {
	for _, word := range words {
		last := len(all) - 1
		if last < 0 || utf8.RuneCountInString(all[last])+1+utf8.RuneCountInString(word) > columns {
			all = append(all, word)
			continue
		}
		all[last] += " " + word
	}
	return all
}
