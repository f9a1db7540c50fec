package bench

import (
	"testing"
	"time"
)

// Two seconds of an open loop: one in which all is well, one in which a tenth of the requests
// was sent late and answered later.
func TestTimedTellsSecondsApart(t *testing.T) {
	seen, began := timed{}, time.Unix(1000, 0)
	for i := range 400 {
		s := sample{meant: began.Add(time.Duration(i) * 5 * time.Millisecond), took: 2 * time.Millisecond, late: time.Microsecond}
		if i >= 200 && i%10 == 0 {
			s.took, s.late = 50*time.Millisecond, 30*time.Millisecond
		}
		seen.add(s)
	}
	seen.add(sample{took: time.Hour}) // of a closed loop
	all := seen.seconds()
	if len(all) != 2 || all[0].At != 1000 || all[1].At != 1001 || all[0].N != 200 || all[1].N != 200 {
		t.Fatalf("%+v", all)
	}
	if *all[0].P99 != 2 || *all[0].Late != 0.001 || *all[1].P50 != 2 || *all[1].P99 != 50 || *all[1].Late != 30 {
		t.Errorf("p99 %v and %v, late %v and %v", *all[0].P99, *all[1].P99, *all[0].Late, *all[1].Late)
	}
	if late := seen.lateness(); *late.P50 != 0.001 || *late.P99 != 30 {
		t.Errorf("late: %v, %v", *late.P50, *late.P99)
	}
	if (timed{}).lateness() != nil {
		t.Error("a closed loop was late")
	}
}

func TestStealIsToldOfItsSecond(t *testing.T) {
	rows := []Row{{Seconds: []Second{{At: 7}, {At: 8}}}}
	s := stealing{by: map[int64]float64{8: 0.25}}
	s.tell(rows)
	if rows[0].Seconds[0].Steal != 0 || rows[0].Seconds[1].Steal != 0.25 {
		t.Errorf("%+v", rows[0].Seconds)
	}
}
