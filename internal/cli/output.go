package cli

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/spf13/cobra"
)

// format is how a result is printed: "text" for people, "json" for machines.
type format string

// String implements pflag.Value.
func (f *format) String() string { return string(*f) }

// Type implements pflag.Value.
func (f *format) Type() string { return "text|json" }

// Set implements pflag.Value. A wrong format is refused before the command does anything.
func (f *format) Set(v string) error {
	if v != "text" && v != "json" {
		return errors.New("use text or json")
	}
	*f = format(v)
	return nil
}

// outputFlag adds --output to a command that prints a result.
func outputFlag(c *cobra.Command) *format {
	f := format("text")
	c.Flags().VarP(&f, "output", "o", "how to print the result")
	return &f
}

// show prints a result: as text for people or as one JSON value for machines.
func show(w io.Writer, f format, result any, text func(io.Writer) error) error {
	if f != "json" {
		return text(w)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(result)
}
