package lambdaapi

import (
	"encoding/json"
	"runtime"
	"slices"

	"lambent.dev/lambent/internal/lambda"
)

// createProviderRequest is the body of CreateCapacityProvider.
type createProviderRequest struct {
	CapacityProviderName *string
	VpcConfig            *providerNetwork
	PermissionsConfig    *providerPermissions
	InstanceRequirements *instanceRequirements
	Tags                 map[string]*string
	updateProviderRequest

	// What Lambent does not do is looked at only to refuse it.
	KmsKeyArn *string
}

// updateProviderRequest is the body of UpdateCapacityProvider.
type updateProviderRequest struct {
	CapacityProviderScalingConfig *scalingConfig

	// What Lambent does not do is looked at only to refuse it.
	PropagateTags   *struct{ Mode *string }
	TelemetryConfig *json.RawMessage
}

type providerNetwork struct {
	SubnetIds        []string
	SecurityGroupIds []string
}

type providerPermissions struct{ CapacityProviderOperatorRoleArn *string }

type instanceRequirements struct {
	Architectures         []string
	AllowedInstanceTypes  []string
	ExcludedInstanceTypes []string
}

type scalingConfig struct {
	MaxVCpuCount    *int
	ScalingMode     *string
	ScalingPolicies []json.RawMessage
}

// Patterns and bounds of the model. Source: AWS Lambda API reference, CapacityProviderName.
const (
	providerARNPattern  = `arn:aws[a-zA-Z-]*:lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:capacity-provider:[a-zA-Z0-9-_]+`
	providerNamePattern = `(` + providerARNPattern + `)|[a-zA-Z0-9-_]+`
	maxProviderName     = 140
	minCPUs, maxCPUs    = 2, 15000
)

var (
	providerARNExact  = whole(providerARNPattern)
	providerNameExact = whole(providerNamePattern)
)

func (in *createProviderRequest) validate(v *lambda.Violations) {
	if in.CapacityProviderName == nil {
		v.Missing("capacityProviderName")
	}
	validateProviderName(v, in.CapacityProviderName)
	in.validateNetwork(v)
	switch p := in.PermissionsConfig; {
	case p == nil:
		v.Missing("permissionsConfig")
	case p.CapacityProviderOperatorRoleArn == nil:
		v.Missing("permissionsConfig.capacityProviderOperatorRoleArn")
	default:
		text(v, "permissionsConfig.capacityProviderOperatorRoleArn", p.CapacityProviderOperatorRoleArn, 1<<10, roleExact, rolePattern)
	}
	if r := in.InstanceRequirements; r != nil && r.Architectures != nil {
		validateArchitectures(v, &r.Architectures)
	}
	validateTags(v, in.Tags)
	in.updateProviderRequest.validate(v)
}

func validateProviderName(v *lambda.Violations, name *string) {
	if name != nil && *name == "" {
		v.Length("capacityProviderName", *name, 1, maxProviderName)
		return
	}
	text(v, "capacityProviderName", name, maxProviderName, providerNameExact, providerNamePattern)
}

func (in *createProviderRequest) validateNetwork(v *lambda.Violations) {
	switch n := in.VpcConfig; {
	case n == nil:
		v.Missing("vpcConfig")
	case n.SubnetIds == nil:
		v.Missing("vpcConfig.subnetIds")
	case n.SecurityGroupIds == nil:
		v.Missing("vpcConfig.securityGroupIds")
	case len(n.SubnetIds) < 1:
		v.Add("vpcConfig.subnetIds", "[]", "Member must have length greater than or equal to 1")
	case len(n.SubnetIds) > 16:
		v.Add("vpcConfig.subnetIds", "", "Member must have length less than or equal to 16")
	case len(n.SecurityGroupIds) > 5:
		v.Add("vpcConfig.securityGroupIds", "", "Member must have length less than or equal to 5")
	}
}

func (in *updateProviderRequest) validate(v *lambda.Violations) {
	if s := in.CapacityProviderScalingConfig; s != nil {
		number(v, "capacityProviderScalingConfig.maxVCpuCount", s.MaxVCpuCount, minCPUs, maxCPUs)
		enum(v, "capacityProviderScalingConfig.scalingMode", s.ScalingMode, "Auto", "Manual")
	}
	if p := in.PropagateTags; p != nil {
		enum(v, "propagateTags.mode", p.Mode, "None", "Explicit")
	}
}

// check refuses what the model allows and Lambent cannot do: nothing is dropped silently but
// subnets and security groups, which every request must name.
func (in *createProviderRequest) check() error {
	var asked []string
	if set(in.KmsKeyArn) {
		asked = append(asked, "KmsKeyArn")
	}
	if r := in.InstanceRequirements; r != nil {
		if len(r.AllowedInstanceTypes)+len(r.ExcludedInstanceTypes) > 0 {
			asked = append(asked, "InstanceRequirements with instance types")
		}
		if r.Architectures != nil {
			if err := checkArchitecture(&r.Architectures); err != nil {
				return err
			}
		}
	}
	if err := errUnsupported(asked); err != nil {
		return err
	}
	return in.updateProviderRequest.check()
}

func (in *updateProviderRequest) check() error {
	var asked []string
	if p := in.PropagateTags; p != nil && or(p.Mode, "None") != "None" {
		asked = append(asked, "PropagateTags")
	}
	if filled(in.TelemetryConfig) {
		asked = append(asked, "TelemetryConfig")
	}
	s := in.CapacityProviderScalingConfig
	if s == nil {
		return errUnsupported(asked)
	}
	if or(s.ScalingMode, "Auto") != "Auto" || len(s.ScalingPolicies) > 0 {
		asked = append(asked, "CapacityProviderScalingConfig with ScalingMode Manual or ScalingPolicies")
	}
	if n := or(s.MaxVCpuCount, maxCPUs); n < runtime.NumCPU() {
		return invalid("This host has %d CPUs, and Lambent does not keep a capacity provider to fewer: raise MaxVCpuCount, or give the provider the tag %s.", runtime.NumCPU(), lambda.CPUTag)
	}
	return errUnsupported(asked)
}

// provider makes the capacity provider of a checked request.
func (in *createProviderRequest) provider(id lambda.ProviderID) lambda.CapacityProvider {
	p := lambda.CapacityProvider{
		ID: id, Tags: values(in.Tags), OperatorRole: *in.PermissionsConfig.CapacityProviderOperatorRoleArn,
		Subnets: slices.Clone(in.VpcConfig.SubnetIds), SecurityGroups: slices.Clone(in.VpcConfig.SecurityGroupIds),
		ScalingMode: "Auto", LastModified: modifiedNow(),
	}
	if r := in.InstanceRequirements; r != nil {
		p.Architectures = slices.Clone(r.Architectures)
	}
	in.apply(&p)
	return p
}

func (in *updateProviderRequest) apply(p *lambda.CapacityProvider) {
	if s := in.CapacityProviderScalingConfig; s != nil {
		p.MaxCPUs, p.ScalingMode = or(s.MaxVCpuCount, p.MaxCPUs), or(s.ScalingMode, p.ScalingMode)
	}
}
