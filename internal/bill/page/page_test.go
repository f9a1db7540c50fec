package page

import (
	"strings"
	"testing"

	"lambent.dev/lambent/internal/bill"
)

// The page says first what it comes to, then what to do; it loads nothing from anywhere, and
// names are text, whatever they hold.
func TestPage(t *testing.T) {
	sum := bill.Sum{Invocations: 10, USD: 10, DurationUSD: 9, RequestUSD: 1, InitUSD: 2, UnusedUSD: 3}
	s := &bill.Statement{Prices: "2026-11-01", Functions: []bill.Function{{Name: "<script>shop", MemoryMB: 512, Sum: sum}}, Total: sum, Inits: []bill.Bin{{From: 100, To: 200, N: 3}, {From: 200, To: 500, N: 0}, {From: 500, To: 1000, N: 1}}}
	var b strings.Builder
	if err := Write(&b, s, []string{"prices from somewhere"}); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{
		`<p class="headline">$5.00`, "of $10.00", "50 %", "What to do next", "&lt;script&gt;shop", "prices from somewhere", "prefers-color-scheme: dark", "<caption>",
		"What the money went for", "memory never used</text>", "$3.00, 30.0 %", "$1.00, 10.0 %", "How long cold starts took", ">100</text>", ">3</text>", ">1000 ms</text>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	for _, foreign := range []string{"<script", "http://", "https://", "src=", "@import"} {
		if strings.Contains(page, foreign) {
			t.Errorf("%s in the page", foreign)
		}
	}
}
