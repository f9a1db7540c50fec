package router

import (
	"math/rand/v2"

	"lambent.dev/lambent/internal/lambda"
)

// split is where the invocations of an alias go. It is immutable.
type split struct {
	first  *release
	second *release // nil without weights
	weight float64  // the share of second, 0 to 1
}

// alias makes the splits of a function's aliases. One that points at nothing is left out:
// it is as unknown as a version that is not there.
func (e *entry) alias(aliases []lambda.Alias) {
	if len(aliases) == 0 {
		return
	}
	e.aliases = make(map[string]split, len(aliases))
	for i := range aliases {
		if first := e.find(aliases[i].Version); first != nil {
			e.aliases[aliases[i].Name] = e.split(first, aliases[i].Weights)
		}
	}
}

// split knows one additional version, as the API does. Source: AWS Lambda Developer
// Guide, "Implement Lambda canary deployments using a weighted alias".
func (e *entry) split(first *release, weights map[string]float64) split {
	s := split{first: first}
	for version, weight := range weights {
		s.second, s.weight = e.find(version), weight
	}
	return s
}

// pick throws the dice for one invocation.
func (s split) pick() *release {
	if s.second != nil && rand.Float64() < s.weight {
		return s.second
	}
	return s.first
}
