package bench

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func kept(samples ...sample) *series {
	s := newSeries(contender{row: Row{Name: "x", Ratios: []Ratio{{Over: "g/floor"}}}, kinds: map[string][]Ratio{"stem": {{Over: "g/floor", MostP50: 0.5}}}})
	for _, one := range samples {
		s.add(one)
	}
	return s
}

func TestEachStartKindIsARow(t *testing.T) {
	rows := kept(sample{took: time.Millisecond, kind: "stem"}, sample{took: 3 * time.Millisecond, kind: "fork"}, sample{took: time.Second, kind: "fork", notCold: true}).rows()
	if len(rows) != 2 || rows[0].Name != "x, fork" || *rows[0].P50 != 3 || rows[1].Name != "x, stem" || *rows[1].P50 != 1 {
		t.Fatalf("%+v", rows)
	}
	if rows[0].N != 1 || rows[0].NotCold != 1 {
		t.Errorf("an answer that is not cold was counted: %+v", rows[0])
	}
	if rows[0].Ratios[0].MostP50 != 0 || rows[1].Ratios[0].MostP50 != 0.5 {
		t.Error("the targets are of another start kind")
	}
}

// A tail taken while throttled is refused, and what was not measured says why.
func TestRowsThatAreRefused(t *testing.T) {
	failed := kept(sample{took: 1})
	failed.failed = errors.New("it broke\nin two lines")
	for why, s := range map[string]*series{
		"throttled: 2 × Reserved":                kept(sample{took: 1}, sample{refused: "Reserved"}, sample{refused: "Reserved"}),
		"throttled: held back for 2.0 ms":        kept(sample{took: 1, held: 2 * time.Millisecond}),
		"none of 1 starts was proved to be cold": kept(sample{took: 1, notCold: true}),
		"there was no time":                      kept(),
		"it broke in two lines":                  failed,
	} {
		rows := s.rows()
		if len(rows) != 1 || !strings.HasPrefix(rows[0].Missing, why) || rows[0].P50 != nil || strings.Contains(rows[0].Missing, "\n") {
			t.Errorf("%s: %+v", why, rows)
		}
	}
	row := kept(sample{took: time.Millisecond}).rows()[0]
	row.refuseThrottled(12)
	if row.P50 != nil || !strings.Contains(row.Missing, "12 ms") {
		t.Errorf("measured under a quota: %+v", row)
	}
}

func TestTurnsAreFairAndSurviveAFailure(t *testing.T) {
	var order []string
	taking := func(name string, err error) take {
		return func(context.Context) (sample, error) { order = append(order, name); return sample{took: 1}, err }
	}
	seen, err := turns{length: 2, least: 3}.run(t.Context(), 0, []contender{
		{row: Row{Name: "a"}, take: taking("a", nil)},
		{row: Row{Name: "b"}, take: taking("b", errors.New("broken"))},
		{row: Row{Name: "c"}, take: taking("c", nil), turn: 1, every: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, ""); got != "aabc"+"aa"+"caa" {
		t.Errorf("turns %s", got)
	}
	if rows := rowsOf(seen); rows[0].N != 6 || rows[1].Missing != "broken" || rows[2].N != 2 {
		t.Errorf("%+v", rows)
	}
}

func TestTurnsEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	_, err := turns{length: 1, rest: time.Hour}.run(ctx, time.Hour, []contender{{take: func(context.Context) (sample, error) {
		cancel(cause)
		return sample{}, nil
	}}})
	if !errors.Is(err, cause) {
		t.Error(err)
	}
}

func TestRatiosAndTargets(t *testing.T) {
	v := func(x float64) *float64 { return &x }
	rows := []Row{
		{Group: "g", Name: "floor", P50: v(10), P99: v(20)},
		{Group: "g", Name: "fast", P50: v(5), P99: v(50), Ratios: []Ratio{{Over: "g/floor", MostP50: 0.5, MostP99: 2}, {Over: "g/floor", MostP50: 0.5}, {Over: "g/nothing", MostP50: 1}, {Over: "g/floor"}}},
		{Group: "g", Name: "rate", P50: v(5), Ratios: []Ratio{{Over: "g/floor", LeastP50: 0.4}, {Over: "g/floor", LeastP50: 0.6}, {Over: "g/floor", MostP50: 1, MostP99: 1}, {Over: "g/floor", MostP50: 0.1, MostP99: 1}}, Limit: &Limit{Most: 5}},
	}
	compare(rows)
	fast := rows[1].Ratios
	if *fast[0].P50 != 0.5 || *fast[0].P99 != 2.5 || *fast[0].Met || !*fast[1].Met || fast[2].P50 != nil || fast[2].Met != nil || fast[3].Met != nil {
		t.Errorf("%+v", fast)
	}
	rate := rows[2].Ratios
	if !*rate[0].Met || *rate[1].Met || rate[2].Met != nil || *rate[3].Met || !*rows[2].Limit.Met {
		t.Errorf("%+v, a target without a p99 is open", rate)
	}
}

func TestOverlaps(t *testing.T) {
	for _, tc := range []struct {
		spans []span
		want  int
	}{
		{nil, 0},
		{[]span{{0, 10}, {10, 20}}, 1}, // one ends as the other begins
		{[]span{{0, 10}, {9, 20}, {5, 6}}, 2},
		{[]span{{0, 10}, {1, 9}, {2, 8}, {20, 30}}, 3},
	} {
		if got := mostAtOnce(tc.spans); got != tc.want {
			t.Errorf("%v: %d at once, want %d", tc.spans, got, tc.want)
		}
	}
}

func TestALimitThatIsNotHeldIsBroken(t *testing.T) {
	spans := slices.Repeat([]span{{0, 10}}, reserved)
	refused := map[string]int{reservedReason: 5}
	for want, row := range map[string]Row{
		"":               limitRow(spans, refused),
		"11 ran at once": limitRow(append(spans, span{9, 11}), refused),
		"another reason": limitRow(spans, map[string]int{reservedReason: 5, "Other": 1}),
		"only 9 of 10":   limitRow(spans[1:], refused),
	} {
		if (row.Broken == "") != (want == "") || !strings.Contains(row.Broken, want) {
			t.Errorf("want %q: %q", want, row.Broken)
		}
	}
}

func TestGroupsAreChosenByName(t *testing.T) {
	if all, err := choose(nil); err != nil || len(all) != len(Groups()) {
		t.Errorf("%d groups, %v", len(all), err)
	}
	if some, err := choose([]string{"warm", "cold"}); err != nil || len(some) != 2 || some[0].name != "warm" {
		t.Errorf("%v, %v", some, err)
	}
	if _, err := choose([]string{"hot"}); err == nil || !strings.Contains(err.Error(), "neighbour") {
		t.Error(err)
	}
	seen := map[string]bool{}
	for _, g := range plan() {
		if seen[g.name] || g.share <= 0 || g.method == "" || g.title == "" {
			t.Errorf("group %q is not complete or there twice", g.name)
		}
		seen[g.name] = true
	}
}
