package instance

import (
	"testing"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/runtimes"
	"lambent.dev/lambent/internal/sandbox"
)

// Tenants have no base in common in which memory, or its layout, would be shared.
func TestTenantsBasesAreApart(t *testing.T) {
	launch := runtimes.Launch{Preload: "forked", Alone: "executed"}
	target := func(tier lambda.Tier, tenancy, tenant string) *lambda.Target {
		return (&lambda.Target{
			ID: lambda.FunctionID{Account: "000000000000"}, Tier: tier, Version: lambda.Version{MemorySize: 128, Tenancy: tenancy},
		}).For(tenant)
	}
	for _, tier := range []lambda.Tier{lambda.TierLight, lambda.TierGVisor, lambda.TierMicroVM} {
		shared := baseOf(target(tier, "", ""), launch)
		blue, green := baseOf(target(tier, lambda.PerTenant, "blue"), launch), baseOf(target(tier, lambda.PerTenant, "green"), launch)
		if shared.Preload != "forked" || blue.Preload != "executed" || green.Preload != "executed" {
			t.Errorf("%s: %s, %s, %s", tier, shared.Preload, blue.Preload, green.Preload)
		}
		if snapshots := tier == lambda.TierMicroVM; snapshots && blue == green || !snapshots && blue != green {
			t.Errorf("%s: %+v and %+v", tier, blue, green)
		}
	}
}

// Two accounts have no base in common, whatever else is the same: what is forked or restored, and what waits
// for anybody, is one account's.
func TestAccountsBasesAreApart(t *testing.T) {
	launch := runtimes.Launch{Preload: "forked", Alone: "executed"}
	base := func(account string, tier lambda.Tier) sandbox.Base {
		return baseOf(&lambda.Target{
			ID: lambda.FunctionID{Account: account, Region: "us-east-1", Name: "same"}, Tier: tier, Version: lambda.Version{MemorySize: 128},
		}, launch)
	}
	for _, tier := range []lambda.Tier{lambda.TierLight, lambda.TierGVisor, lambda.TierMicroVM} {
		if one, two := base("111111111111", tier), base("222222222222", tier); one == two {
			t.Errorf("%s: two accounts have the base %+v", tier, one)
		}
	}
}
