package sdk

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// Prices of the table, and of a machine whose month costs the hours of a month in dollars.
const (
	machineHour    = 1.0
	fargateVCPU    = 0.04048 / 3600 // for a second, of x86_64
	fargateGB      = 0.004445 / 3600
	lambdaGBSecond = 0.0000166667
	vcpuMB         = 1769 // of memory, for which Lambda gives a vCPU
)

// The owner's price of the machine puts what an invocation costs on its receipt, beside what Lambda
// and Fargate ask for as much; an own table of prices is used.
func TestCostOnTheReceipt(t *testing.T) {
	needs(t)
	if runtime.GOARCH != "amd64" {
		t.Skip("the prices above are those of x86_64")
	}
	table := filepath.Join(t.TempDir(), "prices.toml")
	if err := os.WriteFile(table, []byte("[lambda]\nrequest = 0.5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LAMBENT_PRICE_MACHINE_MONTH", "730")
	t.Setenv("LAMBENT_PRICE_TABLE", table)
	client := up(t, t.TempDir()).client()
	deploy(t, client, creation(t, "state", "app.py", "app.state"))
	invoke(t, client, "state", `{}`)
	h := headersOf(t, invoke(t, client, "state", `{"sleep":0.2}`))
	took := kept(t, h.Get("Server-Timing"))
	if took < 0.2 {
		t.Errorf("%v s", took)
	}
	const gb = 128.0 / 1024
	cost := costsOf(t, h.Get("X-Lambent-Cost"))
	roughly(t, "fargate", cost["fargate"], took*(fargateVCPU*128/vcpuMB+fargateGB*gb))
	roughly(t, "here", cost["here"], took*machineHour/3600*128/hostMiB(t))
	roughly(t, "lambda, duration", cost["lambda"]-0.5, lambdaGBSecond*gb*math.Ceil(took*1000)/1000)
}

// kept is for how many seconds an invocation kept its instance, by its receipt.
func kept(t *testing.T, timing string) (seconds float64) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?:runtime|init|handler|response);dur=([0-9.]+)`).FindAllStringSubmatch(timing, -1) {
		ms, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		seconds += ms / 1000
	}
	return seconds
}

func costsOf(t *testing.T, header string) map[string]float64 {
	t.Helper()
	costs := map[string]float64{}
	for part := range strings.SplitSeq(header, ", ") {
		name, text, _ := strings.Cut(part, "=")
		usd, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("the cost %q: %v", header, err)
		}
		costs[name] = usd
	}
	return costs
}

func hostMiB(t *testing.T) (mib float64) {
	t.Helper()
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(string(text), "MemTotal: %f kB", &mib); err != nil {
		t.Fatal(err)
	}
	return mib / 1024
}

// roughly allows for rounding: of times to microseconds, of memory to MiB, of durations to ms.
func roughly(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got/want-1) > 0.01 {
		t.Errorf("%s: %.12f, want %.12f", what, got, want)
	}
}
