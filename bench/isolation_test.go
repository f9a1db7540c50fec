package bench

import (
	"context"
	"testing"
	"time"
)

// TestDifferenceTakesTurns holds that a difference has the sign of longer less shorter whichever
// starts first, and that only starts from stems are compared.
func TestDifferenceTakesTurns(t *testing.T) {
	var order string
	fixed := func(name string, took time.Duration, kind string) contender {
		return contender{take: func(context.Context) (sample, error) {
			order += name
			return sample{took: took, kind: kind}, nil
		}}
	}
	longer, shorter := fixed("l", 5*time.Millisecond, "stem"), fixed("s", 2*time.Millisecond, "stem")
	d := difference("adds", longer, shorter, 1, 0)
	for range 2 {
		got, err := d.take(t.Context())
		if err != nil || got.took != 3*time.Millisecond || got.kind != "stem" {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if order != "lssl" {
		t.Errorf("they started in the order %s", order)
	}
	if got, _ := difference("adds", longer, fixed("f", 0, "fork"), 1, 0).take(t.Context()); got.kind != "other" {
		t.Errorf("a fork was compared with a stem: %+v", got)
	}
}
