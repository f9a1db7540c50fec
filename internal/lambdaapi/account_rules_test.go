package lambdaapi

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"lambent.dev/lambent/internal/lambda"
)

// compiled counts what was prepared for each tier.
type compiled map[lambda.Tier]int

func (c compiled) Prepare(_ context.Context, t *lambda.Target) { c[t.Tier]++ }

// unequalAccounts are two of one server: theirs may have less, and is isolated more.
func unequalAccounts(t *testing.T) (mine, other *bench) {
	t.Helper()
	mine, other = twoAccounts(t)
	mine.Tiers = everyTier{}
	mine.Rules = map[string]lambda.AccountRule{
		theirs: {Isolation: lambda.Isolation{Default: lambda.TierGVisor}, Concurrency: 150, CodeStorage: 50 * unit},
	}
	return mine, other
}

func (b *bench) settings() (s accountSettings) {
	b.t.Helper()
	b.do("GET", "/2016-08-19/account-settings", "").into(b.t, &s)
	return s
}

// What one account uses is nothing that another has less of, nor is its limit another's.
func TestAccountsUseWhatIsTheirs(t *testing.T) {
	mine, other := unequalAccounts(t)
	for _, name := range []string{"a", "b"} {
		mine.create(map[string]any{"FunctionName": name, "Publish": true})
		mine.ready(name)
	}
	mine.follow([]step{
		{"PUT", setConcurrency("a"), `{"ReservedConcurrentExecutions":500}`, 200, `{"ReservedConcurrentExecutions":500}`},
	})
	mine.accept("b", "1", 300)
	if r := other.do("PUT", setConcurrency("secret"), `{"ReservedConcurrentExecutions":51}`); r.text() != belowMinimum {
		t.Errorf("more than the account has was reserved: %d %s", r.Code, r.Body)
	}
	if r := other.do("PUT", provisioned("secret", "1"), executions(51)); r.text() != belowShared {
		t.Errorf("more than the account has was provisioned: %d %s", r.Code, r.Body)
	}
	other.accept("secret", "1", 20)
	if r := other.do("PUT", setConcurrency("secret"), `{"ReservedConcurrentExecutions":50}`); r.Code != http.StatusOK {
		t.Errorf("what the account has was not reserved: %d %s", r.Code, r.Body)
	}
	for _, c := range []struct {
		who         *bench
		functions   int
		concurrency int
		unreserved  int
		storage     int64
	}{{mine, 2, 1000, 200, lambda.DefaultCodeStorage}, {other, 1, 150, 100, 50 * unit}} {
		got := c.who.settings()
		want := accountSettings{
			AccountLimit: accountLimit{
				TotalCodeSize: c.storage, CodeSizeUnzipped: lambda.MaxUnzipped, CodeSizeZipped: lambda.MaxZipped,
				ConcurrentExecutions: c.concurrency, UnreservedConcurrentExecutions: c.unreserved,
			},
			AccountUsage: accountUsage{TotalCodeSize: got.AccountUsage.TotalCodeSize, FunctionCount: c.functions},
		}
		if got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

// Code of one account takes no room of another's.
func TestAccountsKeepCodeOfTheirOwn(t *testing.T) {
	mine, other := unequalAccounts(t)
	none := mine.settings().AccountUsage.TotalCodeSize
	before := other.settings().AccountUsage.TotalCodeSize
	if none != 0 || before == 0 {
		t.Errorf("%d bytes of an account without code, %d of one with some", none, before)
	}
	mine.want("", http.StatusCreated, mine.do("POST", functions, sized("large", 60*unit, false)))
	other.want("CodeStorageExceededException", http.StatusBadRequest, other.do("POST", functions, sized("large", 50*unit, false)))
	other.want("", http.StatusCreated, other.do("POST", functions, sized("fits", 10*unit, false)))
	if got := mine.settings().AccountUsage.TotalCodeSize; got != 60*unit {
		t.Errorf("%d bytes are used", got)
	}
	if got := other.settings().AccountUsage.TotalCodeSize; got != before+10*unit {
		t.Errorf("%d bytes are used", got)
	}
}

// The default tier is the account's where code is compiled, where a change of tags is found to be
// none, and where a host emulates.
func TestAccountsHaveTheirOwnTier(t *testing.T) {
	mine, other := unequalAccounts(t)
	seen := compiled{}
	mine.Compiler = seen
	mine.Rules[theirs] = lambda.AccountRule{Isolation: lambda.Isolation{Default: lambda.TierMicroVM}, Concurrency: 150, CodeStorage: 50 * unit}
	secret := lambda.FunctionID{Account: theirs, Region: "us-east-1", Name: "secret"}
	fn := mine.memory.functions[secret]
	mine.compile(t.Context(), &fn, outcome{})
	if seen[lambda.TierMicroVM] != 1 || len(seen) != 1 {
		t.Errorf("compiled for %v", seen)
	}
	if r := other.do("GET", functions+"/secret", ""); r.Header().Get("X-Lambent-Emulated") != "true" {
		t.Errorf("not said to be emulated: %v", r.Header())
	}
	for tier, same := range map[string]bool{"microvm": true, "light": false} {
		was := mine.memory.functions[secret].Latest.Generation
		body := `{"Tags":{"lambent:isolation":"` + tier + `"}}`
		arn := strings.ReplaceAll(arnsOf(theirs, "secret").fn, ":", "%3A")
		if r := other.do("POST", "/2017-03-31/tags/"+arn, body); r.Code != http.StatusNoContent {
			t.Fatalf("%d %s", r.Code, r.Body)
		}
		if now := mine.memory.functions[secret].Latest.Generation; (now == was) != same {
			t.Errorf("%s: generation %d, then %d", tier, was, now)
		}
		other.do("DELETE", "/2017-03-31/tags/"+arn+"?tagKeys=lambent:isolation", "")
	}
}
