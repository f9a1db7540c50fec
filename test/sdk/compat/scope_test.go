package compat

import (
	"maps"
	"testing"
)

// scenario is a recording that is in scope, and how it is performed here.
type scenario struct {
	recording string
	perform   func(*session)
	except    map[string]string // recorded steps, or members below them, that are not compared: why
	differs   map[string]string // the same, of those where Lambent is known to answer otherwise
	note      string            // how the performance differs from the recorded one
	alone     bool              // it measures the whole account: nothing may run beside it
}

// exclusion is a recording that is out of scope.
type exclusion struct {
	recording string
	reason    string
}

// leftOut is all that is not compared in a scenario, with the reasons.
func (sc *scenario) leftOut() map[string]string {
	all := maps.Clone(sc.except)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, sc.differs)
	return all
}

func scenarios() []scenario {
	var all []scenario
	for _, subject := range [][]scenario{
		accountScenarios(), functionScenarios(), updateScenarios(), missingScenarios(), versionScenarios(), aliasScenarios(),
		layerScenarios(), permissionScenarios(), tagScenarios(), settingScenarios(), provisionedScenarios(), loggingScenarios(),
		invokeScenarios(), eventScenarios(), behaviorScenarios(), errorScenarios(), storeScenarios(),
	} {
		all = append(all, subject...)
	}
	return all
}

// TestScenarios performs every recording that is in scope: first, one by one, those that
// measure the account.
func TestScenarios(t *testing.T) {
	for _, alone := range []bool{true, false} {
		t.Run(map[bool]string{true: "alone", false: "together"}[alone], func(t *testing.T) {
			for _, sc := range scenarios() {
				if sc.alone == alone {
					t.Run(sc.recording, func(t *testing.T) { perform(t, &sc) })
				}
			}
		})
	}
}

func perform(t *testing.T, sc *scenario) {
	var s *session
	defer func() { suite.results.add(t, sc, s) }()
	if !sc.alone {
		t.Parallel()
	}
	s = newSession(t, sc)
	defer s.finish()
	sc.perform(s)
}
