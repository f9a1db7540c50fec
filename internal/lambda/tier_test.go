package lambda

import "testing"

func TestTiersAreOrderedAndReadBack(t *testing.T) {
	names := []string{"process", "light", "gvisor", "microvm"}
	last := Tier(0)
	for _, name := range names {
		tier, err := ParseTier(name)
		if err != nil || tier <= last || tier.String() != name {
			t.Errorf("%s: %v, %v", name, tier, err)
		}
		last = tier
	}
	for _, bad := range []string{"", "Light", "tier(0)", "light "} {
		if tier, err := ParseTier(bad); err == nil {
			t.Errorf("%q is %v", bad, tier)
		}
	}
	if got := Tier(99).String(); got != "tier(99)" {
		t.Errorf("got %s", got)
	}
}
