package pool

import "strings"

// sentences are what receipts say, by the word that stands for it where no sentence can: of
// those whose end changes, the beginning.
var sentences = []struct{ begins, cause string }{
	{whyFirst, "first"},
	{whyChanged, "changed"},
	{whyEvicted, "evicted"},
	{whyEnded, "ended"},
	{whyTimeout, "timeout"},
	{whyCrashed, "crash"},
	{whyBroken, "crash"},
	{whyRestart, "ended"},
	{whyClosing, "stopping"},
	{whyUnused, "unused"},
	{whyWoken, "swapped"},
	{whyReleased, "lowered"},
	{beginsExpired, "expired"},
	{"the only instance is ", "busy"},
	{"the only provisioned instance is ", "busy"},
	{"all ", "busy"},
}

// Causes are all words that Cause returns, "other" left out.
func Causes() []string {
	return []string{"busy", "changed", "crash", "ended", "evicted", "expired", "first", "lowered", "provisioning", "stopping", "swapped", "timeout", "unused"}
}

// Cause is the word for a receipt's Why: one of Causes, "" where it was warm, "other" for a
// sentence that this package did not write.
func Cause(why string) string {
	if why == "" {
		return ""
	}
	for _, s := range sentences {
		if strings.HasPrefix(why, s.begins) {
			return s.cause
		}
	}
	if strings.Contains(why, " provisioned instances are initialised") {
		return "provisioning"
	}
	return "other"
}
