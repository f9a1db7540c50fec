package lambda

import "regexp"

// PerTenant is the one mode of tenant isolation: no instance of a function serves two
// tenants.
const PerTenant = "PER_TENANT"

// maxTenant is the length of a tenant's id. Source: AWS Lambda API reference, TenantId.
const maxTenant = 256

const tenantPattern = `[a-zA-Z0-9\._:\/=+\-@ ]+`

var tenantExact = regexp.MustCompile(`^` + tenantPattern + `$`)

// CheckTenant reports a tenant's id that breaks the model of the API; "" is none.
func CheckTenant(id string, v *Violations) {
	if id == "" {
		return
	}
	if v.Length("tenantId", id, 1, maxTenant); len(id) <= maxTenant && !tenantExact.MatchString(id) {
		v.Add("tenantId", id, matchPattern+tenantPattern)
	}
}

// AdmitTenant is nil if an invocation says whose it is where the function has to know, and
// only there. Source of the first text: answers of the service that its users quote. AWS
// documents the second error (Developer Guide, "Troubleshooting tenant isolation"), not its
// text.
func AdmitTenant(mode, id string) error {
	switch {
	case mode == PerTenant && id == "":
		return NewError(ErrInvalidParameterValue,
			"The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again.")
	case mode == "" && id != "":
		return NewError(ErrInvalidParameterValue,
			"The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your request and try again.")
	}
	return nil
}

// For returns the target as one tenant's instances have it; "" is no tenant. It keeps t from
// being collected: who holds the one holds the other.
func (t *Target) For(tenant string) *Target {
	if tenant == "" {
		return t
	}
	own := *t
	own.Tenant, own.shared = tenant, t
	return &own
}
