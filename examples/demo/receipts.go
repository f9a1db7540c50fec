package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// row is one receipt, as the headers of an answer tell it.
type row struct {
	function string
	start    string             // X-Lambent-Start
	tier     string             // X-Lambent-Isolation
	why      string             // X-Lambent-Why
	phases   map[string]float64 // ms, from Server-Timing
	peak     float64            // MiB of memory, from X-Lambent-Usage
	cpu      float64            // ms, likewise
	client   time.Duration      // as the caller saw it
}

func newRow(function string, client time.Duration, meta middleware.Metadata) row {
	r := row{function: function, client: client}
	raw, ok := awsmiddleware.GetRawResponse(meta).(*smithyhttp.Response)
	if !ok {
		return r
	}
	h := raw.Header
	r.start, r.tier, r.why = h.Get("X-Lambent-Start"), h.Get("X-Lambent-Isolation"), h.Get("X-Lambent-Why")
	r.phases = parseServerTiming(h)
	var bytes float64
	if _, err := fmt.Sscanf(h.Get("X-Lambent-Usage"), "memory=%f, cpu=%f", &bytes, &r.cpu); err == nil {
		r.peak = bytes / (1 << 20)
	}
	return r
}

// parseServerTiming reads "queue;dur=0.1, handler;dur=2.5" (W3C Server Timing).
func parseServerTiming(h http.Header) map[string]float64 {
	phases := map[string]float64{}
	for entry := range strings.SplitSeq(h.Get("Server-Timing"), ",") {
		name, dur, ok := strings.Cut(strings.TrimSpace(entry), ";dur=")
		if ms, err := strconv.ParseFloat(dur, 64); ok && err == nil {
			phases[name] = ms
		}
	}
	return phases
}

// Columns of the table of receipts, within 100: those with names, then those with numbers.
const (
	headings = "%-11s%-8s%-8s%6s%8s%8s%7s%8s%9s%9s%8s%5s\n"
	line     = "%-11s%-8s%-8s%6.1f%8.1f%8.1f%7.1f%8.1f%9.1f%9.1f%8.1f%5.0f"
)

// printReceipts prints a line for each receipt, and why some were not warm. In colour, the warm
// ones stand out.
func printReceipts(w io.Writer, rows []row, colour bool) {
	fmt.Fprintf(w, headings, "receipt", "start", "tier", "queue", "sandbox", "runtime", "init", "handler", "response", "total ms", "CPU ms", "MiB")
	for i := range rows {
		text := rows[i].String()
		if colour && rows[i].start == "warm" {
			text = "\x1b[32m" + text + "\x1b[0m"
		}
		fmt.Fprintln(w, text)
	}
	printReasons(w, rows)
}

func (r *row) String() string {
	p := r.phases
	return fmt.Sprintf(line, r.function, r.start, r.tier, p["queue"], p["sandbox"], p["runtime"], p["init"], p["handler"], p["response"], p["total"], r.cpu, r.peak)
}

// printReasons says why invokes were not warm, each reason once.
func printReasons(w io.Writer, rows []row) {
	var reasons []string
	functions := map[string][]string{}
	for _, r := range rows {
		if r.why == "" {
			continue
		}
		if functions[r.why] == nil {
			reasons = append(reasons, r.why)
		}
		functions[r.why] = append(functions[r.why], r.function)
	}
	fmt.Fprintln(w)
	for _, why := range reasons {
		fmt.Fprintf(w, "not warm: %s (%s)\n", why, strings.Join(functions[why], ", "))
	}
}
