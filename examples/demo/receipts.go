package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
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

func printReceipts(rows []row) {
	phases := []string{"queue", "sandbox", "runtime", "init", "handler", "response"}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "receipt, ms\tstart\ttier\t%s\tsum\tclient\tCPU\tpeak MiB\t\n", strings.Join(phases, "\t"))
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t", r.function, r.start, r.tier)
		sum := 0.0
		for _, p := range phases {
			fmt.Fprintf(w, "%.1f\t", r.phases[p])
			sum += r.phases[p]
		}
		fmt.Fprintf(w, "%.1f\t%.1f\t%.1f\t%.0f\t\n", sum, float64(r.client)/float64(time.Millisecond), r.cpu, r.peak)
	}
	w.Flush()
	printReasons(rows)
}

// printReasons says why invokes were not warm, each reason once.
func printReasons(rows []row) {
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
	fmt.Println()
	for _, why := range reasons {
		fmt.Printf("not warm because of %q: %s\n", why, strings.Join(functions[why], ", "))
	}
}
