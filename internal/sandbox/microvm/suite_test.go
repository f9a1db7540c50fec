package microvm_test

import (
	"testing"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/microvm"
	"lambent.dev/lambent/internal/sandbox/sandboxtest"
)

func suite() sandboxtest.Suite {
	// That the attacks can succeed light's run shows. Guests take time where they are emulated, so
	// no protection is taken away here.
	removable := []string{}
	return sandboxtest.Suite{
		Tier: lambda.TierMicroVM, Isolates: true, Limits: true, OwnKernel: true, CopiesMounts: true, Preloads: true, Removable: removable,
		New: func(t testing.TB, c sandboxtest.Config) sandbox.Driver {
			o := microvm.Options{Agent: agentBinary, Images: images(), Filter: filter(t), Owner: c.Owner, Dir: c.Dir, Cache: cache, Log: c.Log, Preload: c.Preload}
			for _, name := range c.Without {
				o.Without = append(o.Without, microvm.Protection(name))
			}
			d, err := microvm.New(o)
			if err != nil {
				t.Fatal(err)
			}
			return d
		},
	}
}

func TestSuite(t *testing.T) { suite().Run(t) }

// What waits in a guest is confined by the same request as what is started there, so attackers
// are only started: a guest for each takes time where it is emulated.
func TestAttacks(t *testing.T) {
	s := suite()
	s.Preloads = false
	s.Attack(t)
}

func BenchmarkDriver(b *testing.B) { suite().Bench(b) }
