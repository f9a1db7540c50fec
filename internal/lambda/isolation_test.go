package lambda

import (
	"strings"
	"testing"
)

func under(tags map[string]string) *Version { return &Version{Capacity: &Capacity{Settings: tags}} }

// The strongest of what is said holds; what is weaker than the account allows is an error,
// and never becomes something else.
func TestChoose(t *testing.T) {
	plain, gvisor := &Version{}, under(map[string]string{IsolationTag: "gvisor"})
	weak := Isolation{Default: TierLight, Untrusted: TierGVisor}
	strict := Isolation{Default: TierGVisor, Floor: TierGVisor, Untrusted: TierMicroVM}
	for _, tt := range []struct {
		name string
		rule Isolation
		set  Settings
		on   *Version
		want Tier
		err  string
	}{
		{"default", weak, Settings{}, plain, TierLight, ""},
		{"tag", weak, Settings{Tier: TierProcess}, plain, TierProcess, ""},
		{"untrusted", weak, Settings{Untrusted: true}, plain, TierGVisor, ""},
		{"untrusted and stronger", weak, Settings{Untrusted: true, Tier: TierMicroVM}, plain, TierMicroVM, ""},
		{"untrusted and weaker", weak, Settings{Untrusted: true, Tier: TierLight}, plain, TierLight, "too weak for code that is tagged lambent:untrusted"},
		{"untrusted under a default that is stronger", Isolation{Default: TierMicroVM, Untrusted: TierGVisor}, Settings{Untrusted: true}, plain, TierMicroVM, ""},
		{"provider", weak, Settings{}, gvisor, TierGVisor, ""},
		{"provider over a weaker tag", weak, Settings{Tier: TierLight}, gvisor, TierGVisor, ""},
		{"provider under a stronger tag", weak, Settings{Tier: TierMicroVM}, gvisor, TierMicroVM, ""},
		{"provider strong enough for what is untrusted", weak, Settings{Untrusted: true, Tier: TierLight}, gvisor, TierGVisor, ""},
		{"below the floor", strict, Settings{Tier: TierLight}, plain, TierLight, "below this account's floor: use gvisor or a stronger one"},
		{"on the floor", strict, Settings{Tier: TierGVisor}, plain, TierGVisor, ""},
		{"lifted above the floor", strict, Settings{Tier: TierLight}, gvisor, TierGVisor, ""},
		{"untrusted on the floor", strict, Settings{Tier: TierGVisor, Untrusted: true}, plain, TierGVisor, "use microvm"},
		{"a provider that cannot be read", weak, Settings{}, under(map[string]string{IsolationTag: "?"}), TierMicroVM, ""},
	} {
		got, err := tt.rule.Choose(tt.set, tt.on)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %s, %v; want %s, %q", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// The tighter limit holds.
func TestCapacityLimits(t *testing.T) {
	for _, tt := range []struct {
		name     string
		function map[string]string
		capacity *Capacity
		requests int
		cpus     float64
	}{
		{"none", nil, nil, 1, 0},
		{"the function's", map[string]string{ConcurrencyTag: "8", CPUTag: "2"}, &Capacity{}, 8, 2},
		{"nobody's", nil, &Capacity{}, 1, 0},
		{"the configuration's", nil, &Capacity{MaxConcurrency: 16}, 16, 0},
		{"the provider's", nil, &Capacity{MaxConcurrency: 16, Settings: map[string]string{ConcurrencyTag: "4", CPUTag: "1.5"}}, 4, 1.5},
		{"the function's, tighter", map[string]string{ConcurrencyTag: "2", CPUTag: "1"}, &Capacity{MaxConcurrency: 16, Settings: map[string]string{ConcurrencyTag: "4", CPUTag: "1.5"}}, 2, 1},
		{"one at a time", map[string]string{ConcurrencyTag: "1"}, &Capacity{MaxConcurrency: 16}, 1, 0},
		{"memory for a CPU", nil, &Capacity{MemoryPerCPU: 4}, 1, 0.5},
	} {
		s, err := ParseSettings(tt.function)
		if err != nil {
			t.Fatal(err)
		}
		got := tt.capacity.Limit(s, tt.function, 2048)
		if got.Concurrency != tt.requests || got.CPUQuota != tt.cpus {
			t.Errorf("%s: %d requests, %g CPUs; want %d, %g", tt.name, got.Concurrency, got.CPUQuota, tt.requests, tt.cpus)
		}
	}
}

func TestTenants(t *testing.T) {
	for id, fine := range map[string]bool{
		"": true, "blue": true, "a b/c@d:e=f+g.h_i-j": true, strings.Repeat("x", 256): true,
		strings.Repeat("x", 257): false, "a*b": false, "ü": false, "a\nb": false, "a\n": false,
	} {
		var v Violations
		if CheckTenant(id, &v); (v.Err() == nil) != fine {
			t.Errorf("%.20q: %v", id, v.Err())
		}
	}
	for _, tt := range []struct {
		mode, id string
		fine     bool
	}{{"", "", true}, {PerTenant, "a", true}, {PerTenant, "", false}, {"", "a", false}} {
		if err := AdmitTenant(tt.mode, tt.id); (err == nil) != tt.fine {
			t.Errorf("%q of %q: %v", tt.id, tt.mode, err)
		}
	}
	shared := &Target{Concurrency: 3}
	if own := shared.For("a"); own == shared || own.Tenant != "a" || own.Concurrency != 3 || own.shared != shared || shared.Tenant != "" {
		t.Errorf("%+v of %+v", own, shared)
	}
}
