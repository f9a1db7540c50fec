package lambda

import (
	"maps"
	"math"
	"slices"
	"time"
)

// ProvisionedConfig is how many executions of a version or an alias are kept
// initialised ahead of requests.
type ProvisionedConfig struct {
	Executions   int
	LastModified time.Time // a later one asks anew, also for the same number
}

// Provision is the part of a configuration that falls to one version.
type Provision struct {
	Qualifier  string // what is configured: a number or an alias
	Version    string // what is initialised: a number
	Executions int    // above 0
	Asked      time.Time
}

// The states of a configuration.
const (
	ProvisionedInProgress = "IN_PROGRESS"
	ProvisionedReady      = "READY"
	ProvisionedFailed     = "FAILED"
)

// ReasonInitFailure is the StatusReason of a configuration whose function could not be
// initialised: recorded.
const ReasonInitFailure = "FUNCTION_ERROR_INIT_FAILURE"

// ProvisionedState is what has become of a configuration.
type ProvisionedState struct {
	Allocated int // instances that are initialised
	Available int // those of them that no request has
	Status    string
	Reason    string // why it failed
}

// Provisions says which versions are to be initialised how often, by qualifier. The
// configuration of an alias follows the alias; where that leads to two versions they
// share it by their weights. Source: AWS Lambda API reference,
// ProvisionedConcurrencyConfigListItem.
func (fn *Function) Provisions() []Provision {
	var all []Provision
	for _, qualifier := range slices.Sorted(maps.Keys(fn.Provisioned)) {
		all = append(all, fn.provisionsOf(qualifier)...)
	}
	return all
}

func (fn *Function) provisionsOf(qualifier string) (all []Provision) {
	config := fn.Provisioned[qualifier]
	add := func(version string, n int) {
		if n > 0 && version != Latest {
			all = append(all, Provision{qualifier, version, n, config.LastModified})
		}
	}
	alias := fn.Alias(qualifier)
	if alias == nil {
		add(qualifier, config.Executions)
		return all
	}
	rest := config.Executions
	for version, weight := range alias.Weights { // one at most
		n := int(math.Round(float64(config.Executions) * weight))
		add(version, n)
		rest -= n
	}
	add(alias.Version, rest)
	return all
}

// ProvisionedTotal is the sum of all configurations but that of one qualifier.
func (fn *Function) ProvisionedTotal(but string) int {
	sum := 0
	for qualifier, config := range fn.Provisioned {
		if qualifier != but {
			sum += config.Executions
		}
	}
	return sum
}

// ClaimedConcurrency is what the function takes out of what its account's functions
// share: its reservation, which includes what it has provisioned, or else that.
func (fn *Function) ClaimedConcurrency() int {
	if fn.ReservedConcurrency != nil {
		return *fn.ReservedConcurrency
	}
	return fn.ProvisionedTotal("")
}
