package price

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func table(t *testing.T) *Table {
	t.Helper()
	tb, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	return tb
}

// A month of 16 billion GB-seconds meets all three steps: 6 at 16.6667, 9 at 15 and 1 at
// 13.3334 dollars for a million.
func TestMonthMeetsAllSteps(t *testing.T) {
	c := table(t).Lambda.X86
	near(t, "nothing", c.Month(0), 0)
	near(t, "one", c.Month(1), 0.0000166667)
	near(t, "16e9", c.Month(16e9), 6000*16.6667+9000*15+1000*13.3334)
}

// AWS's own example of a small function: a million requests of 100 ms at 128 MB cost 0.20
// for the requests and 0.2083 for 12,500 GB-seconds.
func TestInvoke(t *testing.T) {
	tb := table(t)
	near(t, "invoke", 1e6*tb.Lambda.Invoke(tb.Lambda.X86, 128, 100*time.Millisecond), 0.20+12500*0.0000166667)
	near(t, "fargate", tb.Fargate["x86_64"].Task(1769, time.Hour), 0.04048+1769.0/1024*0.004445)
}

// A machine of 10,240 MB for 73 dollars a month costs 0.1 an hour, so a tenth of it for half an
// hour is half a cent.
func TestQuote(t *testing.T) {
	q, err := table(t).NewQuoter(73, 10240)
	if err != nil {
		t.Fatal(err)
	}
	here, onLambda, onFargate := q.Quote(1024, 30*time.Minute)
	near(t, "here", here, 0.005)
	if onLambda < 0.02 || onLambda > 0.04 || onFargate <= here {
		t.Errorf("%v on Lambda, %v on Fargate", onLambda, onFargate)
	}
}

func TestOverride(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prices.toml")
	text := "date = \"2027-01-01\"\n[lambda]\nrequest = 1.0\n[ec2.\"own\"]\narchitecture = \"arm64\"\nvcpu = 2\ngb = 24\nhour = 0.05\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	tb, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if tb.Lambda.Request != 1 || tb.Date != "2027-01-01" || tb.EC2["own"].GB != 24 || tb.EC2["m7g.large"].Hour != 0.0816 {
		t.Errorf("%+v", tb)
	}
}

func TestBadTables(t *testing.T) {
	for text, want := range map[string]string{
		"[lambda]\nrequests = 1.0": "unknown key lambda.requests",
		"date = \"today\"":         "not as 2006-01-02",
		"[lambda.arm64]\nduration = [{ upto = 5.0, gb-second = 1.0 }]": "must have no upto",
		"[lambda.arm64]\nduration = [{ gb-second = -1.0 }]":            "below 0",
		"[lambda": "expected",
	} {
		if err := table(t).lay(text, "own"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// Prices grow old, and a table that did says so.
func TestStale(t *testing.T) {
	tb := &Table{Date: "2026-01-01"}
	at := func(days int) time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, days) }
	if said := tb.Stale(at(269)); said != "" {
		t.Errorf("after 269 days: %s", said)
	}
	if said := tb.Stale(at(271)); !strings.Contains(said, "2026-01-01, 271 days ago") {
		t.Errorf("after 271 days: %q", said)
	}
}

// All that Lambent compares with has its price.
func TestEveryProductHasAPrice(t *testing.T) {
	tb := table(t)
	for name, price := range map[string]float64{
		"request": tb.Lambda.Request, "x86": tb.Lambda.X86.Duration[0].GBSecond, "arm": tb.Lambda.Arm.Duration[0].GBSecond,
		"provisioned x86": tb.Lambda.X86.Provisioned, "provisioned arm": tb.Lambda.Arm.Provisioned,
		"running there, x86": tb.Lambda.X86.ProvisionedDuration, "running there, arm": tb.Lambda.Arm.ProvisionedDuration,
		"SnapStart cache": tb.SnapStart.CacheGBSecond, "SnapStart restore": tb.SnapStart.RestoreGB, "Managed Instances": tb.ManagedInstances.Fee,
		"Fargate x86": tb.Fargate["x86_64"].VCPUHour, "Fargate arm": tb.Fargate["arm64"].GBHour, "EC2 x86": tb.EC2["c7i.xlarge"].Hour, "EC2 arm": tb.EC2["m7g.large"].Hour,
	} {
		if price <= 0 {
			t.Errorf("%s has no price", name)
		}
	}
	if len(tb.Sources) == 0 {
		t.Error("no source is named")
	}
}
