package lambda

import (
	"strings"
	"testing"
	"time"
)

func TestKeep(t *testing.T) {
	for _, c := range []struct {
		tags map[string]string
		want Keep
		bad  string // in the error; "" = none
	}{
		{nil, Keep{}, ""},
		{map[string]string{KeepAliveTag: "30s"}, Keep{Set: true, Alive: 30 * time.Second}, ""},
		{map[string]string{KeepAliveTag: "0s"}, Keep{Set: true}, ""},
		{map[string]string{KeepAliveTag: "always"}, Keep{Set: true, Alive: Forever}, ""},
		{map[string]string{P99Tag: "150ms"}, Keep{P99: 150 * time.Millisecond}, ""},
		{map[string]string{KeepAliveTag: "-1s"}, Keep{}, "0s to 168h"},
		{map[string]string{KeepAliveTag: "169h"}, Keep{}, "or always"},
		{map[string]string{KeepAliveTag: "ten"}, Keep{}, `"ten"`},
		{map[string]string{P99Tag: "0s"}, Keep{}, "1ms to 15m"},
		{map[string]string{P99Tag: "always"}, Keep{}, "1ms to 15m"},
		{map[string]string{P99Tag: "1s", KeepAliveTag: "1m"}, Keep{}, "exclude each other"},
		{map[string]string{"lambent:keepalive": "1m"}, Keep{}, "did you mean \"lambent:keep-alive\""},
	} {
		s, err := ParseSettings(c.tags)
		switch {
		case c.bad == "" && (err != nil || s.Keep != c.want):
			t.Errorf("%v: %+v, %v", c.tags, s.Keep, err)
		case c.bad != "" && (err == nil || !strings.Contains(err.Error(), c.bad)):
			t.Errorf("%v: %v, want %q", c.tags, err, c.bad)
		}
	}
}

func FuzzKeep(f *testing.F) {
	for _, value := range []string{"30s", "always", "1h30m", "-0s", "9999999h", "1e9s", ""} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if d, err := parseKeepAlive(value); err == nil && (d < 0 || d > maxKeepAlive && d != Forever) {
			t.Errorf("%q is %v", value, d)
		}
		if d, err := parseP99(value); err == nil && (d < minP99 || d > maxP99) {
			t.Errorf("%q is %v", value, d)
		}
	})
}
