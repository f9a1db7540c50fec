package microvm_test

import (
	"testing"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/microvm"
	"lambent.dev/lambent/internal/sandbox/sandboxtest"
)

func suite(monitor microvm.Monitor) sandboxtest.Suite {
	// That the attacks can succeed light's run shows. Guests take time where they are emulated, so
	// no protection is taken away here.
	removable := []string{}
	return sandboxtest.Suite{
		Tier: lambda.TierMicroVM, Isolates: true, Limits: true, OwnKernel: true, CopiesMounts: true, Preloads: true, Removable: removable,
		New: func(t testing.TB, c sandboxtest.Config) sandbox.Driver {
			o := microvm.Options{Monitor: monitor, Agent: agentBinary, Images: images(), Filter: filter(t), Owner: c.Owner, Dir: c.Dir, Cache: cache, Log: c.Log, Preload: c.Preload}
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

func TestSuite(t *testing.T) { suite(microvm.QEMU).Run(t) }

// The same over Firecracker, wherever it and a KVM that runs guests exist.
func TestSuiteOverFirecracker(t *testing.T) {
	needFirecracker(t)
	suite(microvm.Firecracker).Run(t)
}

func TestAttacksOverFirecracker(t *testing.T) {
	needFirecracker(t)
	s := suite(microvm.Firecracker)
	s.Preloads = false
	s.Attack(t)
}

// needFirecracker skips with what is missing.
func needFirecracker(t *testing.T) {
	t.Helper()
	d := suite(microvm.Firecracker).New(t, sandboxtest.Config{Owner: "firecracker-probe", Dir: t.TempDir()})
	if _, err := d.Probe(t.Context()); err != nil {
		t.Skip(err)
	}
}

// What waits in a guest is confined by the same request as what is started there, so attackers
// are only started: a guest for each takes time where it is emulated.
func TestAttacks(t *testing.T) {
	s := suite(microvm.QEMU)
	s.Preloads = false
	s.Attack(t)
}

func BenchmarkDriver(b *testing.B) { suite(microvm.QEMU).Bench(b) }
