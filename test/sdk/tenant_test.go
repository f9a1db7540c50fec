package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// perTenant gives every tenant instances of its own.
func perTenant(in *lambda.CreateFunctionInput) *lambda.CreateFunctionInput {
	in.TenancyConfig = &types.TenancyConfig{TenantIsolationMode: types.TenantIsolationModePerTenant}
	return in
}

func as(tenant string) func(*lambda.InvokeInput) {
	return func(in *lambda.InvokeInput) { in.TenantId = &tenant }
}

// trace is what an instance keeps of who was in it.
type trace struct {
	Tenant string   `json:"tenant"`
	Seen   []string `json:"seen"`   // in the module
	Files  []string `json:"files"`  // in /tmp
	Layout string   `json:"layout"` // where libc lies in memory
}

func traced(t *testing.T, client *lambda.Client, name, tenant string) trace {
	t.Helper()
	out := invoke(t, client, name, `{}`, as(tenant))
	if out.FunctionError != nil {
		t.Fatalf("%s of %s: %s", name, tenant, out.Payload)
	}
	var seen trace
	if err := json.Unmarshal(out.Payload, &seen); err != nil {
		t.Fatalf("%s: %v", out.Payload, err)
	}
	return seen
}

// No tenant meets what another has left, in the module or in /tmp, and each meets its own.
func TestTenantsShareNothing(t *testing.T) {
	t.Parallel()
	for _, tier := range tiers(t) {
		t.Run(tier, func(t *testing.T) { tenantsShareNothing(t, tier) })
	}
}

func tenantsShareNothing(t *testing.T, tier string) {
	d := up(t, t.TempDir())
	client := d.client()
	in := perTenant(creation(t, "shared", "tenant.py", "tenant.handler"))
	in.Tags = map[string]string{isolationTag: tier}
	created := deploy(t, client, in)
	if created.TenancyConfig == nil || created.TenancyConfig.TenantIsolationMode != types.TenantIsolationModePerTenant {
		t.Errorf("created with %+v", created.TenancyConfig)
	}
	layouts := map[string]string{}
	for round := range 3 {
		for _, tenant := range []string{"blue", "green", "a b/c@d:e=f+g.h_i-j"} {
			got := traced(t, client, "shared", tenant)
			if got.Tenant != tenant {
				t.Errorf("%s is told %q", tenant, got.Tenant)
			}
			if want := fmt.Sprint(strings.Repeat(tenant+",", round+1)); strings.Join(got.Seen, ",")+"," != want || strings.Join(got.Files, ",")+"," != want {
				t.Errorf("round %d: %s finds %v in the module and %v in /tmp", round, tenant, got.Seen, got.Files)
			}
			if other := layouts[got.Layout]; other != "" && other != tenant {
				t.Errorf("%s and %s have the same layout of memory, %s", tenant, other, got.Layout)
			}
			layouts[got.Layout] = tenant
		}
	}
}

// AWS's errors: an id where none belongs, none where one does, and one that is none.
func TestTenantErrors(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	deploy(t, client, perTenant(creation(t, "shared", "tenant.py", "tenant.handler")))
	deploy(t, client, creation(t, "plain", "app.py", "app.echo"))
	for _, kind := range []types.InvocationType{types.InvocationTypeRequestResponse, types.InvocationTypeEvent, types.InvocationTypeDryRun} {
		for _, tt := range []struct{ function, tenant, want string }{
			{"shared", "", "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again."},
			{"plain", "blue", "not enabled with tenancy configuration"},
			{"shared", "b*d", `1 validation error detected: Value 'b*d' at 'tenantId' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9\._:\/=+\-@ ]+`},
			{"shared", strings.Repeat("x", 257), "at 'tenantId' failed to satisfy constraint: Member must have length less than or equal to 256"},
		} {
			in := &lambda.InvokeInput{FunctionName: &tt.function, InvocationType: kind, Payload: []byte(`{}`)}
			if tt.tenant != "" {
				in.TenantId = &tt.tenant
			}
			if _, err := client.Invoke(t.Context(), in); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s of %s for %.20q: %v", kind, tt.function, tt.tenant, err)
			}
		}
	}
}

// A function keeps its mode: no update says anything of it, and what AWS does not offer such
// functions is refused.
func TestTenancyIsForLife(t *testing.T) {
	t.Parallel()
	needs(t)
	d := up(t, t.TempDir())
	client := d.client()
	in := perTenant(creation(t, "shared", "tenant.py", "tenant.handler"))
	in.Publish = true
	deploy(t, client, in)
	_, err := client.PutProvisionedConcurrencyConfig(t.Context(), &lambda.PutProvisionedConcurrencyConfigInput{
		FunctionName: aws.String("shared"), Qualifier: aws.String("1"), ProvisionedConcurrentExecutions: aws.Int32(1),
	})
	var invalid *types.InvalidParameterValueException
	if !errors.As(err, &invalid) {
		t.Errorf("provisioned concurrency: %v", err)
	}
	_, err = client.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("shared"), SnapStart: &types.SnapStart{ApplyOn: types.SnapStartApplyOnPublishedVersions},
	})
	if !errors.As(err, &invalid) {
		t.Errorf("SnapStart: %v", err)
	}
	if _, err := client.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("shared"), Timeout: aws.Int32(9),
	}); err != nil {
		t.Error(err)
	}
	d.stop()
	client = up(t, d.Data).client()
	for _, qualifier := range []string{"$LATEST", "1"} {
		out, err := client.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("shared"), Qualifier: &qualifier})
		if err != nil || out.TenancyConfig == nil {
			t.Errorf("%s: %+v, %v", qualifier, out, err)
		}
	}
}

// An event keeps its tenant's id on disk, through the death of the server.
func TestEventsKeepTheirTenant(t *testing.T) {
	t.Parallel()
	needs(t)
	d := up(t, t.TempDir())
	client := d.client()
	deploy(t, client, perTenant(creation(t, "shared", "tenant.py", "tenant.handler")))
	if _, err := client.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{
		FunctionName: aws.String("shared"), ReservedConcurrentExecutions: aws.Int32(1), // most are still waiting when the server dies
	}); err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		tenant := fmt.Sprint("tenant", i%4)
		if _, err := client.Invoke(t.Context(), &lambda.InvokeInput{
			FunctionName: aws.String("shared"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"sleep":0.5}`), TenantId: &tenant,
		}); err != nil {
			t.Fatal(err)
		}
	}
	d.kill()
	d = up(t, d.Data)
	client = d.client()
	awaitUntil(t, "the events to have run", time.Minute, d.drained)
	for i := range 4 {
		tenant := fmt.Sprint("tenant", i)
		if got := traced(t, client, "shared", tenant); len(got.Seen) < 2 || got.Seen[0] != tenant {
			t.Errorf("%s met %v", tenant, got.Seen)
		}
	}
}

// The platform's records say whose an invocation was.
func TestTenantInLogs(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	in := perTenant(creation(t, "shared", "tenant.py", "tenant.handler"))
	in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson, SystemLogLevel: types.SystemLogLevelDebug}
	deploy(t, client, in)
	out := invoke(t, client, "shared", `{}`, as("blue"), func(in *lambda.InvokeInput) { in.LogType = types.LogTypeTail })
	for _, kind := range []string{"platform.start", "platform.runtimeDone", "platform.report"} {
		found := false
		for line := range strings.Lines(tailOf(t, out)) {
			var r struct {
				Type   string
				Record struct{ TenantID string }
			}
			if json.Unmarshal([]byte(line), &r) == nil && r.Type == kind {
				found = r.Record.TenantID == "blue"
			}
		}
		if !found {
			t.Errorf("no tenantId in %s of\n%s", kind, tailOf(t, out))
		}
	}
}
