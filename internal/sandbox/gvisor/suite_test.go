package gvisor_test

import (
	"os"
	"testing"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/gvisor"
	"lambent.dev/lambent/internal/sandbox/sandboxtest"
)

// held says whether the host's kernel lets a box outlive its memory limit.
func held() bool {
	_, err := os.Stat("/sys/fs/cgroup/memory/memory.oom_control")
	return err == nil
}

func suite() sandboxtest.Suite {
	var removable []string
	for _, p := range gvisor.Protections() {
		removable = append(removable, string(p))
	}
	return sandboxtest.Suite{
		Tier: lambda.TierGVisor, Isolates: true, Limits: true, OwnKernel: true, DiesOfMemory: !held(), Preloads: true, Removable: removable,
		New: func(t testing.TB, c sandboxtest.Config) sandbox.Driver {
			o := gvisor.Options{Agent: agentBinary, Runsc: runscPaths(), Owner: c.Owner, Dir: c.Dir, Log: c.Log, Preload: c.Preload}
			for _, name := range c.Without {
				o.Without = append(o.Without, gvisor.Protection(name))
			}
			d, err := gvisor.New(o)
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
