package telemetry

import (
	"fmt"
	"io"
	"log/slog"
)

// Formats of log lines.
const (
	Text = "text" // key=value, for people
	JSON = "json" // an object a line, for programs
)

// Logger returns a logger that writes lines to w. Level is DEBUG, INFO, WARN or ERROR in
// any case, "" for INFO; format is Text or JSON, "" for Text. Both formats escape
// control characters, so that no value can forge a line or reach a terminal.
func Logger(w io.Writer, level, format string) (*slog.Logger, error) {
	options := &slog.HandlerOptions{}
	if level != "" {
		var least slog.Level
		if err := least.UnmarshalText([]byte(level)); err != nil {
			return nil, fmt.Errorf("log level %q: use debug, info, warn or error: %w", level, err)
		}
		options.Level = least
	}
	switch format {
	case Text, "":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case JSON:
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, fmt.Errorf("log format %q: use %s or %s", format, Text, JSON)
}
