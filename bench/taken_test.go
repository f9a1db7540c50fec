package bench

import (
	"testing"
	"time"
)

// A CPU comes back at 200 ms after a tenth of a second: who was under way then is told, and nobody else.
func TestTakenTellsWhoWasUnderWay(t *testing.T) {
	began := time.Unix(1000, 0)
	at := func(ms int) time.Time { return began.Add(time.Duration(ms) * time.Millisecond) }
	var seen taken
	seen.note(at(190), at(200), 10)
	seen.note(at(400), at(410), 1) // a tick is no freeze
	some := []sample{
		{meant: at(50), took: 39 * time.Millisecond},
		{meant: at(50), took: 41 * time.Millisecond},
		{meant: at(150), took: time.Millisecond},
		{meant: at(199), took: time.Second},
		{meant: at(201), took: time.Millisecond},
		{meant: at(404), took: time.Millisecond},
	}
	seen.tell(some)
	for i, want := range []string{"", whileTaken, whileTaken, whileTaken, "", ""} {
		if some[i].kind != want {
			t.Errorf("sample %d is of the kind %q, want %q", i, some[i].kind, want)
		}
	}
}
