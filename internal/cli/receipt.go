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
	r.Network = lambda.Network(h.Get("X-Lambent-Network"))
	r.Emulated = h.Get("X-Lambent-Emulated") == "true"
	if err := r.ParseUsage(h.Get("X-Lambent-Usage")); err != nil {
		return nil, err
	}
	if r.Cost, err = receipt.ParseCost(h.Get("X-Lambent-Cost")); err != nil {
		return nil, err
	}
	return r, r.ParseServerTiming(h.Get("Server-Timing"))
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
	for p, d := range r.Parts {
		if err := printPhase(w, look, p, d, wall); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(w, "%-9s %10s ms  memory %.1f MiB\n", "total", milliseconds(wall), float64(r.MemoryPeak)/(1<<20)); err != nil {
		return err
	}
	if err := printCost(w, r.Cost); err != nil {
		return err
	}
	return printUsed(w, r)
}

// printCost shows what a million such requests would cost, where the server knows its price.
func printCost(w io.Writer, c receipt.Cost) error {
	if c == (receipt.Cost{}) {
		return nil
	}
	_, err := fmt.Fprintf(w, "%-9s a million like it: $%.3f here, $%.2f on Lambda, $%.2f on Fargate\n", "cost", 1e6*c.Here, 1e6*c.Lambda, 1e6*c.Fargate)
	return err
}

// printUsed shows what the host could tell of what went on meanwhile.
func printUsed(w io.Writer, r *receipt.Receipt) error {
	words, u := []string{}, &r.Used
	for name, d := range u.Times {
		words = append(words, fmt.Sprintf("%s %s ms", usedWords[name], milliseconds(d)))
	}
	if u.Faults.Known {
		words = append(words, fmt.Sprintf("page faults %d", u.Faults.Value))
	}
	if u.Shared {
		words = []string{"not known: the instance ran other requests at the same time"}
	}
	if len(words) == 0 {
		return nil
	}
	for i, line := range wrap(strings.Join(words, ", "), maxWidth-10) {
		if _, err := fmt.Fprintf(w, "%-9s %s\n", []string{"used", ""}[min(i, 1)], line); err != nil {
			return err
		}
	}
	return nil
}

// usedWords are how the parts of receipt.Used read in a line.
var usedWords = map[string]string{
	"cpu": "on CPU", "throttled": "throttled", "waiting": "waiting for CPU", "memory-stall": "waiting for memory", "io-stall": "waiting for I/O",
}

func headline(r *receipt.Receipt) string {
	text := fmt.Sprintf("%s start, isolation %s", r.Start, isolationText(r.Tier.String(), r.Emulated))
	if r.Network != "" {
		text += fmt.Sprintf(", network %s", r.Network)
	}
	text += ", version " + r.Version
	if r.Why != "" {
		text += ": " + r.Why
	}
	return text
}

// isolationText names a tier, and says so where software stands in for the processor.
func isolationText(tier string, emulated bool) string {
	if emulated {
		return tier + " (software emulation)"
	}
	return tier
}

func printPhase(w io.Writer, look style, p receipt.Phase, spent, wall time.Duration) error {
	bar := 0
	if wall > 0 {
		bar = int(int64(barWidth) * int64(spent) / int64(wall))
	}
	line := fmt.Sprintf("%-9s %10s ms  %s", p, milliseconds(spent), look.green(strings.Repeat("█", bar)))
	_, err := fmt.Fprintln(w, strings.TrimRight(line, " "))
	return err
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.3f", float64(d)/float64(time.Millisecond))
}
