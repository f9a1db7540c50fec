package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// outputFlag adds --output to a command that prints a result.
func outputFlag(c *cobra.Command) *string {
	return c.Flags().StringP("output", "o", "text", "text or json")
}

// show prints a result: as text for people or as one JSON value for machines.
func show(w io.Writer, format string, result any, text func(io.Writer) error) error {
	switch format {
	case "text":
		return text(w)
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(result)
	default:
		return &usageError{fmt.Errorf("--output %q: use text or json", format)}
	}
}
