package main

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// The table fits 100 columns and its numbers stand below their names, also where a guest is emulated
// and takes seconds.
func TestReceiptsFit(t *testing.T) {
	long := map[string]float64{"queue": 999.9, "sandbox": 99999.9, "runtime": 99999.9, "init": 9999.9, "handler": 9999.9, "response": 99.9, "total": 299999.9}
	rows := []row{
		{function: "matchmaker", start: "restore", tier: "microvm", why: "first invocation of this version", phases: long, peak: 1024, cpu: 99999.9, client: time.Hour},
		{function: "digest", start: "warm", tier: "light", phases: map[string]float64{"handler": 0.6, "total": 0.8}, peak: 19},
	}
	var out strings.Builder
	printReceipts(&out, rows, false)
	lines := strings.Split(out.String(), "\n")
	for _, l := range lines {
		if n := utf8.RuneCountInString(l); n > 100 {
			t.Errorf("%d columns: %s", n, l)
		}
	}
	for _, l := range lines[1:3] {
		if len(l) != len(lines[0]) {
			t.Errorf("%q does not end below %q", l, lines[0])
		}
	}
	if want := "not warm: first invocation of this version (matchmaker)"; lines[4] != want {
		t.Errorf("got %q, want %q", lines[4], want)
	}
	out.Reset()
	printReceipts(&out, rows, true)
	if warm := strings.Split(out.String(), "\n")[2]; !strings.HasPrefix(warm, "\x1b[32mdigest ") || !strings.HasSuffix(warm, "\x1b[0m") {
		t.Errorf("the warm one is %q", warm)
	}
}
