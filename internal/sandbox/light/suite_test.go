package light_test

import (
	"testing"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/light"
	"lambent.dev/lambent/internal/sandbox/sandboxtest"
)

func suite() sandboxtest.Suite {
	return sandboxtest.Suite{
		Tier: lambda.TierLight, Isolates: true, Limits: true, Preloads: true, Fits: true,
		New: func(t testing.TB, c sandboxtest.Config) sandbox.Driver {
			o := light.Options{Init: initBinary, Owner: c.Owner, Dir: c.Dir, Log: c.Log, Preload: c.Preload}
			for _, name := range c.Without {
				o.Without = append(o.Without, light.Protection(name))
			}
			d, err := light.New(o)
			if err != nil {
				t.Fatal(err)
			}
			return d
		},
	}
}

func TestSuite(t *testing.T) { suite().Run(t) }

func TestAttacks(t *testing.T) { suite().Attack(t) }

func BenchmarkDriver(b *testing.B) { suite().Bench(b) }
