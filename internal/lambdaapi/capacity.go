package lambdaapi

import (
	"strconv"

	"lambent.dev/lambent/internal/lambda"
)

// capacityConfigRequest is the shape CapacityProviderConfig of a request.
type capacityConfigRequest struct {
	LambdaManagedInstancesCapacityProviderConfig *managedRequest
}

type managedRequest struct {
	CapacityProviderArn                   *string
	PerExecutionEnvironmentMaxConcurrency *int
	ExecutionEnvironmentMemoryGiBPerVCpu  *float64
}

// capacityConfig is the same of an answer.
type capacityConfig struct {
	Managed managedConfig `json:"LambdaManagedInstancesCapacityProviderConfig"`
}

type managedConfig struct {
	ARN            string  `json:"CapacityProviderArn"`
	MaxConcurrency int     `json:"PerExecutionEnvironmentMaxConcurrency,omitempty"`
	MemoryPerCPU   float64 `json:"ExecutionEnvironmentMemoryGiBPerVCpu,omitempty"`
}

const capacityField = "capacityProviderConfig.lambdaManagedInstancesCapacityProviderConfig"

// Bounds of ExecutionEnvironmentMemoryGiBPerVCpu. Source: AWS Lambda API reference.
const minMemoryPerCPU, maxMemoryPerCPU = 2, 8

func (in *capacityConfigRequest) validate(v *lambda.Violations) {
	if in == nil {
		return
	}
	m := in.LambdaManagedInstancesCapacityProviderConfig
	if m == nil {
		v.Missing(capacityField)
		return
	}
	if m.CapacityProviderArn == nil {
		v.Missing(capacityField + ".capacityProviderArn")
	}
	text(v, capacityField+".capacityProviderArn", m.CapacityProviderArn, maxProviderName, providerARNExact, providerARNPattern)
	number(v, capacityField+".perExecutionEnvironmentMaxConcurrency", m.PerExecutionEnvironmentMaxConcurrency, 1, lambda.MaxConcurrency)
	m.validateMemory(v)
}

func (m *managedRequest) validateMemory(v *lambda.Violations) {
	const field = capacityField + ".executionEnvironmentMemoryGiBPerVCpu"
	n := or(m.ExecutionEnvironmentMemoryGiBPerVCpu, minMemoryPerCPU)
	shown := strconv.FormatFloat(n, 'g', -1, 64)
	switch {
	case n < minMemoryPerCPU:
		v.Add(field, shown, "Member must have value greater than or equal to 2")
	case n > maxMemoryPerCPU:
		v.Add(field, shown, "Member must have value less than or equal to 8")
	}
}

// placeUnder gives a version the capacity provider that a request names, if it names one.
// Preconditions: readProviders.
func (c *call) placeUnder(v *lambda.Version, in *capacityConfigRequest) error {
	if in == nil {
		return nil
	}
	m := in.LambdaManagedInstancesCapacityProviderConfig
	id, err := c.providerNamed(*m.CapacityProviderArn)
	if err != nil {
		return err
	}
	p, err := c.storedProvider(id)
	if err != nil {
		return err
	}
	_, settings, err := lambda.ParseProviderSettings(p.Tags)
	if err != nil {
		return invalid("%s", err)
	}
	v.Capacity = &lambda.Capacity{
		ARN: id.ARN(), MaxConcurrency: or(m.PerExecutionEnvironmentMaxConcurrency, 0),
		MemoryPerCPU: or(m.ExecutionEnvironmentMemoryGiBPerVCpu, 0), Settings: settings,
	}
	return nil
}

// moveUnder changes the capacity provider of a version that has one; nil changes nothing. Only
// a creation can give a function its first: text as the service answers.
func moveUnder(v *lambda.Version, c *lambda.Capacity) error {
	if c == nil {
		return nil
	}
	if v.Capacity == nil {
		return invalid("CapacityProviderConfig isn't supported for Lambda Default functions.")
	}
	v.Capacity = c
	return nil
}

func describeCapacity(v *lambda.Version) *capacityConfig {
	if v.Capacity == nil {
		return nil
	}
	return &capacityConfig{managedConfig{v.Capacity.ARN, v.Capacity.MaxConcurrency, v.Capacity.MemoryPerCPU}}
}
