package lambda

import (
	"strings"
	"testing"
)

func TestParseSettings(t *testing.T) {
	got, err := ParseSettings(map[string]string{"team": "x", IsolationTag: "light", NetworkTag: "none", CPUTag: "0.5", ConcurrencyTag: "64", ClassTag: "batch"})
	if want := (Settings{Tier: TierLight, Network: "none", CPUQuota: 0.5, Concurrency: 64, Class: ClassBatch}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWithoutTheTagAnInstanceTakesOneRequest(t *testing.T) {
	none, err := ParseSettings(nil)
	one, err1 := ParseSettings(map[string]string{ConcurrencyTag: "1"})
	if err != nil || err1 != nil || none.Concurrency != 1 || none != one {
		t.Errorf("%+v, %v; %+v, %v", none, err, one, err1)
	}
}

func TestParseSettingsRefuses(t *testing.T) {
	tests := []struct{ name, value, want string }{
		{"lambent:isolation", "strong", `tag lambent:isolation: unknown isolation "strong": use process, light, gvisor or microvm`},
		{"lambent:isolation", "", `unknown isolation ""`},
		{"lambent:network", "internet", `unknown network "internet": use none, egress or host`},
		{"lambent:cpu", "NaN", "bad number of CPUs"},
		{"lambent:cpu", "-1", "bad number of CPUs"},
		{"lambent:cpu", "0", "bad number of CPUs"},
		{"lambent:class", "slow", `tag lambent:class: unknown class "slow": use latency or batch`},
		{"lambent:clas", "batch", `did you mean "lambent:class"?`},
		{"lambent:concurrency", "0", `tag lambent:concurrency: bad number of requests at once "0": use 1 to 1600`},
		{"lambent:concurrency", "1601", "use 1 to 1600"},
		{"lambent:concurrency", "many", `bad number of requests at once "many"`},
		{"lambent:concurency", "2", `did you mean "lambent:concurrency"?`},
		{"lambent:isolatoin", "light", `unknown tag "lambent:isolatoin": did you mean "lambent:isolation"?`},
		{"lambent:netwrk", "none", `did you mean "lambent:network"?`},
		{"lambent:", "x", "unknown tag"},
	}
	for _, tt := range tests {
		_, err := ParseSettings(map[string]string{tt.name: tt.value})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s=%s: got %v, want %s", tt.name, tt.value, err, tt.want)
		}
	}
}
