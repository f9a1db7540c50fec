package pool

import (
	"slices"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

// Every sentence of a receipt has a word, also with what may follow it, and Causes knows it.
func TestEverySentenceHasACause(t *testing.T) {
	plain := &group{}
	tagged := &group{keeping: keeping{policy: lambda.Keep{Set: true}}}
	spared := &group{keeping: keeping{gaps: &gaps{}}}
	for why, want := range map[string]string{
		whyFirst: "first", whyChanged: "changed", whyEvicted: "evicted", whyEnded: "ended", whyTimeout: "timeout", whyCrashed: "crash", whyBroken: "crash",
		whyRestart: "ended", whyClosing: "stopping", whyUnused: "unused", whyWoken: "swapped", whyReleased: "lowered",
		plain.whyExpired(time.Second): "expired", tagged.whyExpired(time.Minute): "expired", spared.whyExpired(time.Hour): "expired",
		whyBusy(1, 0): "busy", whyBusy(0, 1): "busy", whyBusy(7, 0): "busy", whyBusy(7, 2): "busy",
		whySpilt(1, 1): "busy", whySpilt(3, 3): "busy", whySpilt(3, 2): "provisioning",
	} {
		for _, after := range []string{"", whyNoSnapshot, "; NODE_OPTIONS is honoured by a fresh interpreter only"} {
			if got := Cause(why + after); got != want || !slices.Contains(Causes(), got) {
				t.Errorf("%q: %q, want %q", why+after, got, want)
			}
		}
	}
	if Cause("") != "" || Cause("it was Tuesday") != "other" {
		t.Errorf("%q, %q", Cause(""), Cause("it was Tuesday"))
	}
}
