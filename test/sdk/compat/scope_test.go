package compat

import (
	"testing"
)

// scenario is a recording that is in scope, and how it is performed here.
type scenario struct {
	recording string
	perform   func(*session)
	except    map[string]string // recorded steps that are not compared, with the reason
	note      string            // how the performance differs from the recorded one
	alone     bool              // it measures the whole account: nothing may run beside it
}

// exclusion is a recording that is out of scope.
type exclusion struct {
	recording string
	reason    string
}

func scenarios() []scenario {
	var all []scenario
	for _, subject := range [][]scenario{
		accountScenarios(), functionScenarios(), updateScenarios(), missingScenarios(), versionScenarios(), aliasScenarios(),
		layerScenarios(), permissionScenarios(), tagScenarios(), settingScenarios(), loggingScenarios(),
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
	defer suite.results.add(t, sc)
	if !sc.alone {
		t.Parallel()
	}
	s := newSession(t, sc)
	defer s.finish()
	sc.perform(s)
}
