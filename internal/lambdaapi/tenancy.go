package lambdaapi

import "lambent.dev/lambent/internal/lambda"

// tenancy is the shape TenancyConfig of an answer.
type tenancy struct {
	Mode string `json:"TenantIsolationMode"`
}

func (in *tenancyRequest) validate(v *lambda.Violations) {
	if in == nil {
		return
	}
	if in.TenantIsolationMode == nil {
		v.Missing("tenancyConfig.tenantIsolationMode")
	}
	enum(v, "tenancyConfig.tenantIsolationMode", in.TenantIsolationMode, lambda.PerTenant)
}

// mode is what was asked for; it is fixed with the function's creation.
func (in *tenancyRequest) mode() string {
	if in == nil {
		return ""
	}
	return or(in.TenantIsolationMode, "")
}

func describeTenancy(v *lambda.Version) *tenancy {
	if v.Tenancy == "" {
		return nil
	}
	return &tenancy{v.Tenancy}
}

// refuseTenancy names what a function with tenant isolation cannot have. Source: AWS Lambda
// Developer Guide, "Tenant isolation", considerations.
func refuseTenancy(v *lambda.Version, what string) error {
	if v.Tenancy == "" {
		return nil
	}
	return invalid("%s is not supported for functions with tenancy configuration.", what)
}
