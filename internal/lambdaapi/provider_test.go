package lambdaapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

const (
	providersPath = "/2025-11-30/capacity-providers"
	webProvider   = "arn:aws:lambda:us-east-1:000000000000:capacity-provider:web"
)

// providerBody is a good body of CreateCapacityProvider with some members changed; nil removes one.
func providerBody(changes map[string]any) string {
	body := map[string]any{
		"CapacityProviderName": "web",
		"VpcConfig":            map[string]any{"SubnetIds": []string{"subnet-1"}, "SecurityGroupIds": []string{}},
		"PermissionsConfig":    map[string]any{"CapacityProviderOperatorRoleArn": "arn:aws:iam::000000000000:role/operator"},
	}
	maps.Copy(body, changes)
	maps.DeleteFunc(body, func(_ string, value any) bool { return value == nil })
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

// capacity is a member of CreateFunction's body.
func capacity(managed map[string]any) map[string]any {
	return map[string]any{"CapacityProviderConfig": map[string]any{"LambdaManagedInstancesCapacityProviderConfig": managed}}
}

func badProviders() []malformed {
	provider := func(changes map[string]any) malformed {
		return malformed{method: "POST", target: providersPath, body: providerBody(changes), status: 400}
	}
	unknown := post(capacity(map[string]any{"CapacityProviderArn": webProvider}))
	unknown.status = 404
	return []malformed{
		post(map[string]any{"CapacityProviderConfig": map[string]any{"a": 1}}).says(validation, "Value null at 'capacityProviderConfig.lambdaManagedInstancesCapacityProviderConfig'"),
		post(capacity(map[string]any{"CapacityProviderArn": "web"})).says(validation, "Value 'web' at 'capacityProviderConfig.lambdaManagedInstancesCapacityProviderConfig.capacityProviderArn'"),
		post(capacity(map[string]any{"CapacityProviderArn": webProvider, "PerExecutionEnvironmentMaxConcurrency": 1601})).says(validation, "less than or equal to 1600"),
		post(capacity(map[string]any{"CapacityProviderArn": webProvider, "ExecutionEnvironmentMemoryGiBPerVCpu": 1.5})).says(validation, "Value '1.5' at"),
		unknown.says(notFound, "Capacity provider not found: "+webProvider),
		provider(map[string]any{"CapacityProviderName": "a b"}).says(validation, "Value 'a b' at 'capacityProviderName'"),
		provider(map[string]any{"VpcConfig": nil, "PermissionsConfig": nil}).says(validation, "2 validation errors detected: Value null at 'vpcConfig'"),
		provider(map[string]any{"VpcConfig": map[string]any{"SubnetIds": []string{}, "SecurityGroupIds": []string{}}}).says(validation, "Value '[]' at 'vpcConfig.subnetIds'"),
		provider(map[string]any{"PermissionsConfig": map[string]any{"CapacityProviderOperatorRoleArn": "r"}}).says(validation, "Value 'r' at 'permissionsConfig.capacityProviderOperatorRoleArn'"),
		provider(map[string]any{"InstanceRequirements": map[string]any{"AllowedInstanceTypes": []string{"m7g.large"}}}).says(parameter, notYet+"InstanceRequirements with instance types"),
		provider(map[string]any{"CapacityProviderScalingConfig": map[string]any{"MaxVCpuCount": 1}}).says(validation, "Value '1' at 'capacityProviderScalingConfig.maxVCpuCount'"),
		provider(map[string]any{"CapacityProviderScalingConfig": map[string]any{"ScalingMode": "Manual"}}).says(parameter, notYet),
		provider(map[string]any{"Tags": map[string]any{"lambent:class": "batch"}}).says(parameter, "a capacity provider has no setting"),
		provider(map[string]any{"Tags": map[string]any{"lambent:isolation": "gvisor"}}).says(parameter, "This host does not offer the isolation gvisor"),
		call4("GET", "/2025-11-30/capacity-providers/none", 404, notFound, "Capacity provider not found: arn:aws:lambda:us-east-1:000000000000:capacity-provider:none"),
	}
}

// underProvider makes a provider with tags, and functions under it.
func underProvider(t *testing.T, b *bench, tags map[string]any, names ...string) {
	t.Helper()
	if r := b.do("POST", providersPath, providerBody(map[string]any{"Tags": tags})); r.Code != http.StatusAccepted {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	for _, name := range names {
		changes := capacity(map[string]any{"CapacityProviderArn": webProvider, "PerExecutionEnvironmentMaxConcurrency": 4})
		changes["FunctionName"], changes["Publish"] = name, true
		b.create(changes)
		b.await(name, "Active")
	}
}

func TestProviderLife(t *testing.T) {
	b := newBench(t)
	b.run()
	underProvider(t, b, map[string]any{"team": "shop"}, "fn")
	r := b.do("GET", providersPath+"/web", "")
	one, _ := r.fields["CapacityProvider"].(map[string]any)
	if r.Code != 200 || one["State"] != "Active" || one["CapacityProviderArn"] != webProvider {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	b.follow([]step{
		{"POST", providersPath, providerBody(nil), 409, "Capacity provider already exist: web"},
		{"GET", "/2017-03-31/tags/" + webProvider, "", 200, `{"Tags":{"team":"shop"}}`},
		{"DELETE", providersPath + "/" + webProvider, "", 409, "The capacity provider cannot be deleted: arn:aws:lambda:us-east-1:000000000000:function:fn runs under it."},
		{"GET", providersPath + "/web/function-versions", "", 200, `{"CapacityProviderArn":"` + webProvider + `","FunctionVersions":[` +
			`{"FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:fn:$LATEST","State":"Active"},` +
			`{"FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:fn:1","State":"Active"}]}`},
		{"DELETE", functions + "/fn", "", 204, ""},
	})
	if r := b.do("DELETE", providersPath+"/web", ""); r.Code != 202 || !strings.Contains(r.Body.String(), `"State":"Deleting"`) {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	b.follow([]step{
		{"GET", providersPath + "/web", "", 404, "Capacity provider not found: " + webProvider},
		{"GET", providersPath, "", 200, `{"CapacityProviders":[]}`},
	})
}

// Lists come in pages, each item once.
func TestProviderPages(t *testing.T) {
	b := newBench(t)
	for i := range 5 {
		b.do("POST", providersPath, providerBody(map[string]any{"CapacityProviderName": fmt.Sprint("p", i)}))
	}
	var seen []string
	for marker := ""; ; {
		r := b.do("GET", providersPath+"?MaxItems=2&Marker="+marker, "")
		list, _ := r.fields["CapacityProviders"].([]any)
		for _, one := range list {
			arn, _ := one.(map[string]any)["CapacityProviderArn"].(string)
			seen = append(seen, arn[strings.LastIndex(arn, ":")+1:])
		}
		if marker, _ = r.fields["NextMarker"].(string); marker == "" {
			break
		}
	}
	if got := strings.Join(seen, " "); got != "p0 p1 p2 p3 p4" {
		t.Errorf("listed %s", got)
	}
}

// Changing a provider's settings reaches all that runs under it, and makes its instances new.
func TestProviderSettingsReachItsFunctions(t *testing.T) {
	b := newBench(t)
	b.run()
	underProvider(t, b, nil, "fn")
	before := b.memory.functions[id("fn")]
	r := b.do("POST", "/2017-03-31/tags/"+webProvider, `{"Tags":{"lambent:cpu":"0.5","team":"x"}}`)
	if r.Code != http.StatusNoContent {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	for _, after := range []lambda.Function{b.memory.functions[id("fn")], b.memory.directory[id("fn")]} {
		after.Each(func(v *lambda.Version) {
			if v.Capacity == nil || v.Capacity.Settings["lambent:cpu"] != "0.5" || len(v.Capacity.Settings) != 1 {
				t.Errorf("version %s: %+v", v.Version, v.Capacity)
			}
			if old := before.Find(v.Version); v.Generation <= old.Generation {
				t.Errorf("version %s keeps its generation", v.Version)
			}
		})
	}
	generation := b.memory.functions[id("fn")].Latest.Generation
	b.do("POST", "/2017-03-31/tags/"+webProvider, `{"Tags":{"team":"y"}}`)
	if got := b.memory.functions[id("fn")].Latest.Generation; got != generation {
		t.Error("a tag that is no setting made instances new")
	}
}

// everyTier is a host that offers all.
type everyTier struct{}

func (everyTier) Offers(lambda.Tier) error    { return nil }
func (everyTier) Emulates(t lambda.Tier) bool { return t == lambda.TierMicroVM }

// A change of a provider that would take a function below its account's floor is refused whole: neither the
// provider nor the function has it.
func TestProviderStaysAboveTheFloor(t *testing.T) {
	b := newBench(t, func(d *Deps) {
		d.Isolation, d.Tiers = lambda.Isolation{Default: lambda.TierLight, Floor: lambda.TierLight}, everyTier{}
	})
	b.run()
	underProvider(t, b, map[string]any{"lambent:isolation": "light"}, "fn")
	b.edit("fn", func(fn *lambda.Function) { fn.Tags = map[string]string{"lambent:isolation": "process"} }) // the provider's is stronger
	r := b.do("POST", "/2017-03-31/tags/"+webProvider, `{"Tags":{"lambent:isolation":"process"}}`)
	if r.Code != http.StatusBadRequest || !strings.Contains(r.text(), "the isolation process is below this account's floor") {
		t.Errorf("below the floor: %d %s", r.Code, r.Body)
	}
	if r := b.do("GET", "/2017-03-31/tags/"+webProvider, ""); !strings.Contains(r.Body.String(), `"lambent:isolation":"light"`) {
		t.Errorf("the provider has %s", r.Body)
	}
	if c := b.memory.functions[id("fn")].Latest.Capacity; c == nil || c.Settings["lambent:isolation"] != "light" {
		t.Errorf("the function has %+v", c)
	}
	if r := b.do("POST", "/2017-03-31/tags/"+webProvider, `{"Tags":{"lambent:isolation":"gvisor"}}`); r.Code != http.StatusNoContent {
		t.Errorf("above it: %d %s", r.Code, r.Body)
	}
}

// A function is not placed under a provider while that is changed: it would miss the change.
func TestProviderChangesAlone(t *testing.T) {
	b := newBench(t)
	b.run()
	underProvider(t, b, nil)
	changes := capacity(map[string]any{"CapacityProviderArn": webProvider})
	changes["FunctionName"] = "fn"
	created := make(chan int)
	b.Server.providers.Lock() // as who changes a provider
	go func() { created <- b.do("POST", functions, request(changes)).Code }()
	select {
	case code := <-created:
		t.Errorf("it was created meanwhile: %d", code)
		b.Server.providers.Unlock()
		return
	case <-time.After(100 * time.Millisecond): // too short a time can only miss a fault
	}
	b.Server.providers.Unlock()
	if code := <-created; code != http.StatusCreated {
		t.Errorf("after the change: %d", code)
	}
}

// Only a creation gives a function a capacity provider; an update changes it.
func TestCapacityOfAnUpdate(t *testing.T) {
	b := newBench(t)
	b.run()
	underProvider(t, b, nil, "under")
	b.create(map[string]any{"FunctionName": "plain"})
	b.await("plain", "Active")
	update, err := json.Marshal(capacity(map[string]any{"CapacityProviderArn": webProvider, "PerExecutionEnvironmentMaxConcurrency": 9}))
	if err != nil {
		t.Fatal(err)
	}
	b.follow([]step{{"PUT", functions + "/plain/configuration", string(update), 400, "CapacityProviderConfig isn't supported for Lambda Default functions."}})
	r := b.do("PUT", functions+"/under/configuration", string(update))
	if !strings.Contains(r.Body.String(), `"PerExecutionEnvironmentMaxConcurrency":9`) {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}
