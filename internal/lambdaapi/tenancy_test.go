package lambdaapi

import "testing"

// What would be shared between tenants, or initialised for none of them, is refused as on AWS, and tenancy is for
// life.
func TestTenancyRefuses(t *testing.T) {
	b := newBench(t)
	b.create(map[string]any{"FunctionName": "fn", "Publish": true, "TenancyConfig": map[string]any{"TenantIsolationMode": "PER_TENANT"}})
	b.ready("fn")
	const config = "/2019-09-30/functions/fn"
	snap := `{"SnapStart":{"ApplyOn":"PublishedVersions"}}`
	b.follow([]step{
		{"PUT", config + "/provisioned-concurrency?Qualifier=1", `{"ProvisionedConcurrentExecutions":1}`, 400, "Provisioned Concurrency is not supported for functions with tenancy configuration."},
		{"PUT", functions + "/fn/configuration", snap, 400, "SnapStart is not supported for functions with tenancy configuration."},
	})
	if r := b.do("PUT", functions+"/fn/configuration", `{"Timeout":9}`); r.Code != 200 || r.fields["TenancyConfig"] == nil {
		t.Errorf("after an update: %d %s", r.Code, r.Body)
	}
	r := b.do("POST", functions, request(map[string]any{
		"FunctionName": "other", "TenancyConfig": map[string]any{"TenantIsolationMode": "PER_TENANT"}, "SnapStart": map[string]any{"ApplyOn": "PublishedVersions"},
	}))
	if r.Code != 400 || r.text() != "SnapStart is not supported for functions with tenancy configuration." {
		t.Errorf("created with SnapStart: %d %s", r.Code, r.Body)
	}
}
