package process_test

import (
	"testing"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sandbox"
	"lambent.dev/lambent/internal/sandbox/process"
	"lambent.dev/lambent/internal/sandbox/sandboxtest"
)

func suite() sandboxtest.Suite {
	return sandboxtest.Suite{
		New: func(_ testing.TB, c sandboxtest.Config) sandbox.Driver {
			return process.New(process.Options{Owner: c.Owner, Dir: c.Dir, Allow: true, Log: c.Log})
		},
		Tier: lambda.TierProcess,
	}
}

func TestSuite(t *testing.T) { suite().Run(t) }

func BenchmarkDriver(b *testing.B) { suite().Bench(b) }
