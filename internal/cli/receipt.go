package cli

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/receipt"
)

// readReceipt reads the receipt that a server wrote into an answer's headers; nil if it
// wrote none, as AWS does not. began is when the request was sent.
func readReceipt(h http.Header, began time.Time) (*receipt.Receipt, error) {
	start := h.Get("X-Lambent-Start")
	if start == "" {
		return nil, nil
	}
	r := &receipt.Receipt{
		RequestID: h.Get("X-Amzn-Requestid"), Version: h.Get("X-Amz-Executed-Version"),
		Start: receipt.StartKind(start), Why: h.Get("X-Lambent-Why"), Arrived: began.UTC(),
	}
	var err error
	if r.Tier, err = lambda.ParseTier(h.Get("X-Lambent-Isolation")); err != nil {
		return nil, fmt.Errorf("reading the receipt: %w", err)
	}
	readUsage(h.Get("X-Lambent-Usage"), r)
	return r, r.ParseServerTiming(h.Get("Server-Timing"))
}

// readUsage reads what receipt.Usage wrote. What is not there stays zero.
func readUsage(header string, r *receipt.Receipt) {
	var cpu, throttled float64
	_, err := fmt.Sscanf(header, "memory=%d, cpu=%f, throttled=%f", &r.MemoryPeak, &cpu, &throttled)
	if err != nil {
		return
	}
	r.CPU = time.Duration(cpu * float64(time.Millisecond))
	r.Throttled = time.Duration(throttled * float64(time.Millisecond))
}

// barWidth is the columns of the longest bar of a receipt.
const barWidth = 40

// printReceipt shows where the time of one request went, a phase per line with a bar in
// proportion, and what it used.
func printReceipt(w io.Writer, r *receipt.Receipt) error {
	look, wall := styleOf(w), r.Wall()
	if _, err := fmt.Fprintf(w, "%s\n", look.dim(cut(headline(r), maxWidth))); err != nil {
		return err
	}
	for _, p := range receipt.Phases() {
		if err := printPhase(w, look, p, r.Spent[p], wall); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%-9s %10s ms  memory %.1f MiB, on CPU %s ms, throttled %s ms\n", "total",
		milliseconds(wall), float64(r.MemoryPeak)/(1<<20), milliseconds(r.CPU), milliseconds(r.Throttled))
	return err
}

func headline(r *receipt.Receipt) string {
	text := fmt.Sprintf("%s start, isolation %s, version %s", r.Start, r.Tier, r.Version)
	if r.Why != "" {
		text += ": " + r.Why
	}
	return text
}

func printPhase(w io.Writer, look style, p receipt.Phase, spent, wall time.Duration) error {
	bar := 0
	if wall > 0 {
		bar = int(int64(barWidth) * int64(spent) / int64(wall))
	}
	_, err := fmt.Fprintf(w, "%-9s %10s ms  %s\n", p, milliseconds(spent), look.green(strings.Repeat("█", bar)))
	return err
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.3f", float64(d)/float64(time.Millisecond))
}
