package light_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lambent.dev/lambent/internal/egress"
	"lambent.dev/lambent/internal/egress/egresstest"
	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light"
)

// BenchmarkNetwork is what a network profile adds to a start from a stem: Bind and Run until
// the first byte, in boxes that wait. The profiles take turns. Run it in a network namespace
// of its own, which it would give an interface: unshare -n.
func BenchmarkNetwork(b *testing.B) {
	if !egresstest.Inside() {
		b.Skip("it needs a network of its own: " + egresstest.Variable + "=1 unshare -n light.test")
	}
	only, err := lambda.ParseReach("", "198.51.100.0/24 api.example.com:443")
	if err != nil {
		b.Fatal(err)
	}
	w := benchWorkload(b)
	limited := w
	limited.Reach = only
	d := networkDriver(b)
	none, out := prepareFor(b, d, lambda.NetworkNone), prepareFor(b, d, lambda.NetworkEgress)
	kinds := []struct {
		name string
		tmpl sandbox.Template
		w    sandbox.Workload
	}{{"none", none, w}, {"egress", out, w}, {"egress-only", out, limited}}
	taken := make([][]time.Duration, len(kinds))
	for i := 0; b.Loop(); i++ {
		stems := make([]sandbox.Sandbox, len(kinds))
		for k, kind := range kinds {
			if stems[k], err = kind.tmpl.Create(b.Context(), fmt.Sprintf("net-%d-%d", i, k)); err != nil {
				b.Fatal(err)
			}
		}
		time.Sleep(30 * time.Millisecond) // what refills the pools is through
		for n := range kinds {
			k := (n + i) % len(kinds)
			taken[k] = append(taken[k], startStem(b, stems[k], kinds[k].w))
		}
		for _, s := range stems {
			closeBox(b, s)
		}
	}
	b.ReportMetric(0, "ns/op")
	for k, all := range taken {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds()), kinds[k].name+"-p50-µs")
		b.ReportMetric(float64(all[len(all)*9/10].Microseconds()), kinds[k].name+"-p90-µs")
	}
}

func startStem(b *testing.B, s sandbox.Sandbox, w sandbox.Workload) time.Duration {
	b.Helper()
	began := time.Now()
	if err := s.Bind(b.Context(), w); err != nil {
		b.Fatal(err)
	}
	said := make(chan struct{})
	if _, err := s.Run(b.Context(), sandbox.Command{Path: "/var/task/bootstrap", Stdout: signal(said)}); err != nil {
		b.Fatal(err)
	}
	<-said
	return time.Since(began)
}

// networkDriver offers egress, too.
func networkDriver(tb testing.TB) *light.Driver {
	tb.Helper()
	if err := egress.Supported(); err != nil {
		tb.Skip(err)
	}
	g := egress.New(egress.Options{Owner: "test-" + id(tb)})
	tb.Cleanup(func() {
		if err := g.Close(); err != nil {
			tb.Error(err)
		}
	})
	d, err := light.New(light.Options{Init: initBinary, Owner: "test-" + id(tb), Dir: tb.TempDir(), Egress: g})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func prepareFor(tb testing.TB, d *light.Driver, n lambda.Network) sandbox.Template {
	tb.Helper()
	of := base()
	of.Network = n
	tmpl, err := d.Prepare(tb.Context(), of)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := tmpl.Close(); err != nil {
			tb.Error(err)
		}
	})
	return tmpl
}
