package lambdaapi

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lambent.dev/lambent/internal/lambda"
	"lambent.dev/lambent/internal/sigv4"
)

// theirs is the account that the attempts are made on, from the default account.
const theirs = "999999999999"

// attempt is a request of one operation about somebody's resource. FN, LAYER and PROVIDER
// stand for how it is named, percent-encoded in the target.
type attempt struct {
	operation, method, target, body string
}

// attempts has every operation of the API that names a resource.
func attempts() []attempt {
	const fn = functions + "/FN"
	config, event := "/2019-09-30/functions/FN", "/2019-09-25/functions/FN/event-invoke-config"
	provider, layer := providersPath+"/PROVIDER", "/2018-10-31/layers/LAYER/versions"
	return []attempt{
		{"CreateFunction", "POST", functions, request(map[string]any{"FunctionName": "FN"})},
		{"CreateFunction", "POST", functions, request(map[string]any{"FunctionName": "new", "Layers": []string{"LAYER:1"}})},
		{"CreateFunction", "POST", functions, request(merged(capacity(map[string]any{"CapacityProviderArn": "PROVIDER"}), "FunctionName", "new"))},
		{"GetFunction", "GET", fn, ""},
		{"GetFunctionConfiguration", "GET", fn + "/configuration", ""},
		{"UpdateFunctionConfiguration", "PUT", fn + "/configuration", `{"Timeout":9}`},
		{"UpdateFunctionCode", "PUT", fn + "/code", encoded(map[string]any{"ZipFile": zipOf("other.py")})},
		{"PublishVersion", "POST", fn + "/versions", `{}`},
		{"ListVersionsByFunction", "GET", fn + "/versions", ""},
		{"CreateAlias", "POST", fn + "/aliases", `{"Name":"mine","FunctionVersion":"1"}`},
		{"ListAliases", "GET", fn + "/aliases", ""},
		{"GetAlias", "GET", fn + "/aliases/live", ""},
		{"UpdateAlias", "PUT", fn + "/aliases/live", `{"Description":"d"}`},
		{"DeleteAlias", "DELETE", fn + "/aliases/live", ""},
		{"Invoke", "POST", fn + "/invocations", `{}`},
		{"PutFunctionConcurrency", "PUT", "/2017-10-31/functions/FN/concurrency", `{"ReservedConcurrentExecutions":5}`},
		{"GetFunctionConcurrency", "GET", config + "/concurrency", ""},
		{"DeleteFunctionConcurrency", "DELETE", "/2017-10-31/functions/FN/concurrency", ""},
		{"PutProvisionedConcurrencyConfig", "PUT", config + "/provisioned-concurrency?Qualifier=1", `{"ProvisionedConcurrentExecutions":1}`},
		{"GetProvisionedConcurrencyConfig", "GET", config + "/provisioned-concurrency?Qualifier=1", ""},
		{"GetProvisionedConcurrencyConfig", "GET", config + "/provisioned-concurrency?List=ALL", ""},
		{"DeleteProvisionedConcurrencyConfig", "DELETE", config + "/provisioned-concurrency?Qualifier=1", ""},
		{"ListTags", "GET", "/2017-03-31/tags/FN", ""},
		{"TagResource", "POST", "/2017-03-31/tags/FN", `{"Tags":{"a":"b"}}`},
		{"UntagResource", "DELETE", "/2017-03-31/tags/FN?tagKeys=team", ""},
		{"ListTags", "GET", "/2017-03-31/tags/PROVIDER", ""},
		{"TagResource", "POST", "/2017-03-31/tags/PROVIDER", `{"Tags":{"a":"b"}}`},
		{"UntagResource", "DELETE", "/2017-03-31/tags/PROVIDER?tagKeys=team", ""},
		{"AddPermission", "POST", fn + "/policy", `{"StatementId":"s","Action":"lambda:InvokeFunction","Principal":"*"}`},
		{"GetPolicy", "GET", fn + "/policy", ""},
		{"RemovePermission", "DELETE", fn + "/policy/kept", ""},
		{"GetFunctionCodeSigningConfig", "GET", "/2020-06-30/functions/FN/code-signing-config", ""},
		{"GetRuntimeManagementConfig", "GET", "/2021-07-20/functions/FN/runtime-management-config", ""},
		{"GetFunctionRecursionConfig", "GET", "/2024-08-31/functions/FN/recursion-config", ""},
		{"PutFunctionRecursionConfig", "PUT", "/2024-08-31/functions/FN/recursion-config", `{"RecursiveLoop":"Allow"}`},
		{"PutFunctionEventInvokeConfig", "PUT", event, `{"MaximumRetryAttempts":0}`},
		{"UpdateFunctionEventInvokeConfig", "POST", event, `{"MaximumRetryAttempts":1}`},
		{"GetFunctionEventInvokeConfig", "GET", event, ""},
		{"ListFunctionEventInvokeConfigs", "GET", event + "/list", ""},
		{"DeleteFunctionEventInvokeConfig", "DELETE", event, ""},
		{"ListLayerVersions", "GET", layer, ""},
		{"GetLayerVersion", "GET", layer + "/1", ""},
		{"ListLayers", "GET", "/2018-10-31/layers?find=LayerVersion&Arn=LAYER:1", ""},
		{"DeleteLayerVersion", "DELETE", layer + "/1", ""},
		{"PublishLayerVersion", "POST", layer, encoded(map[string]any{"Content": map[string]any{"ZipFile": goodZip()}})},
		{"GetCapacityProvider", "GET", provider, ""},
		{"UpdateCapacityProvider", "PUT", provider, `{"CapacityProviderScalingConfig":{"MaxVCpuCount":400}}`},
		{"ListFunctionVersionsByCapacityProvider", "GET", provider + "/function-versions", ""},
		{"CreateCapacityProvider", "POST", providersPath, providerBody(map[string]any{"CapacityProviderName": "PROVIDER"})},
		{"DeleteCapacityProvider", "DELETE", provider, ""},
		{"DeleteFunction", "DELETE", fn, ""},
	}
}

// namesNothing are the operations that name no resource of an account: what they list is the
// caller's own, and a link to code carries its right in itself.
var namesNothing = []string{"ListFunctions", "GetAccountSettings", "ListCapacityProviders", "DownloadCode"}

func merged(m map[string]any, key string, value any) map[string]any {
	m = maps.Clone(m)
	m[key] = value
	return m
}

func encoded(body any) string {
	doc, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return string(doc)
}

// names are how a request names the three resources.
type names struct{ fn, layer, provider string }

// arnsOf are the ARNs of an account's resources.
func arnsOf(account, name string) names {
	arn := "arn:aws:lambda:us-east-1:" + account + ":"
	return names{arn + "function:" + name, arn + "layer:" + name, arn + "capacity-provider:" + name}
}

func (a attempt) by(b *bench, n names) reply {
	put := strings.NewReplacer("FN", n.fn, "LAYER", n.layer, "PROVIDER", n.provider)
	escaped := strings.NewReplacer("FN", url.PathEscape(n.fn), "LAYER", url.PathEscape(n.layer), "PROVIDER", url.PathEscape(n.provider))
	return b.do(a.method, escaped.Replace(a.target), put.Replace(a.body))
}

// twoAccounts returns one server as two accounts see it that sign what they send; theirs has
// one of everything.
func twoAccounts(t *testing.T) (mine, other *bench) {
	t.Helper()
	mine = newBench(t, func(d *Deps) { d.Verifier = sigv4.New(keys) })
	whose := *mine
	other = &whose
	mine.signer, other.signer = signedBy(ourKey), signedBy(theirKey)
	for _, step := range []struct{ method, target, body string }{
		{"POST", "/2018-10-31/layers/secret/versions", encoded(map[string]any{"Content": map[string]any{"ZipFile": goodZip()}})},
		{"POST", providersPath, providerBody(map[string]any{"CapacityProviderName": "secret", "Tags": map[string]any{"team": "hidden"}})},
		{"POST", functions, request(map[string]any{
			"FunctionName": "secret", "Publish": true, "Description": "hidden", "Tags": map[string]any{"team": "hidden"},
			"Environment": map[string]any{"Variables": map[string]any{"KEY": "hidden"}},
		})},
	} {
		if r := other.do(step.method, step.target, step.body); r.Code >= 300 {
			t.Fatalf("%s: %d %s", step.target, r.Code, r.Body)
		}
	}
	id := lambda.FunctionID{Account: theirs, Region: "us-east-1", Name: "secret"}
	_, err := mine.memory.UpdateFunction(t.Context(), id, func(fn *lambda.Function) error {
		fn.Each(func(v *lambda.Version) { v.State, v.LastUpdateStatus = "Active", "Successful" })
		fn.Provisioned = map[string]lambda.ProvisionedConfig{"1": {Executions: 1}}
		fn.EventInvoke = map[string]lambda.EventInvokeConfig{"$LATEST": {}}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ target, body string }{
		{"/secret/aliases", `{"Name":"live","FunctionVersion":"$LATEST"}`},
		{"/secret/policy", `{"StatementId":"kept","Action":"lambda:InvokeFunction","Principal":"*"}`},
	} {
		if r := other.do("POST", functions+step.target, step.body); r.Code >= 300 {
			t.Fatalf("%s: %d %s", step.target, r.Code, r.Body)
		}
	}
	return mine, other
}

// Every operation of the API is tried, or names nothing that could be another account's.
func TestAttemptsHaveEveryOperation(t *testing.T) {
	tried := map[string]bool{}
	for _, a := range attempts() {
		tried[a.operation] = true
	}
	for _, r := range routes {
		if !tried[r.operation] && !slices.Contains(namesNothing, r.operation) {
			t.Errorf("nobody tries %s on another account's resource", r.operation)
		}
	}
}

// The attempts are real: with their own names the account's own callers are answered.
func TestAttemptsOfTheOwnerAreAnswered(t *testing.T) {
	for _, a := range attempts() {
		_, owner := twoAccounts(t)
		n := arnsOf(theirs, "secret")
		if a.operation == "CreateFunction" && strings.Contains(a.body, "FN") || a.operation == "PublishLayerVersion" || a.operation == "CreateCapacityProvider" {
			n = names{"made", "made", "made"}
		}
		if a.operation == "CreateAlias" || strings.Contains(a.operation, "Layer") && a.operation != "ListLayers" {
			n.layer = n.layer[strings.LastIndex(n.layer, ":")+1:]
		}
		if r := a.by(owner, n); r.Code >= 400 {
			t.Errorf("%s %s of the owner: %d %s", a.operation, a.target, r.Code, r.text())
		}
	}
}

// No call reaches what is another account's: by its ARN the answer is AccessDenied, by its name
// that there is no such thing, in the words for what was never there.
func TestNoCallReachesAnotherAccount(t *testing.T) {
	for _, a := range attempts() {
		mine, _ := twoAccounts(t)
		before := holdings(mine.memory, theirs)
		byARN := a.by(mine, arnsOf(theirs, "secret"))
		denied := byARN.kind() == "AccessDeniedException" && byARN.Code == http.StatusForbidden
		if !denied && byARN.Code < 400 {
			t.Errorf("%s %s by the ARN: %d %s", a.operation, a.target, byARN.Code, byARN.Body)
		}
		nothing := a.by(mine, arnsOf(theirs, "nothing"))
		if got, want := plain(byARN, "secret"), plain(nothing, "nothing"); got != want {
			t.Errorf("%s %s tells what is there:\n%s\n%s", a.operation, a.target, got, want)
		}
		byName, absent := a.by(mine, names{"secret", "secret", "secret"}), a.by(mine, names{"absent", "absent", "absent"})
		if got, want := plain(byName, "secret"), plain(absent, "absent"); got != want {
			t.Errorf("%s %s by the name tells what is there:\n%s\n%s", a.operation, a.target, got, want)
		}
		for _, r := range []reply{byARN, byName} {
			if strings.Contains(r.Body.String(), "hidden") {
				t.Errorf("%s %s shows %s", a.operation, a.target, r.Body)
			}
		}
		if diff := cmp.Diff(before, holdings(mine.memory, theirs)); diff != "" {
			t.Errorf("%s %s has changed what is theirs:\n%s", a.operation, a.target, diff)
		}
	}
}

// Lists are of the account's own.
func TestListsAreOfOneAccount(t *testing.T) {
	mine, other := twoAccounts(t)
	for _, list := range []string{functions, providersPath, "/2018-10-31/layers"} {
		if r := mine.do("GET", list, ""); strings.Contains(r.Body.String(), theirs) {
			t.Errorf("%s lists %s", list, r.Body)
		}
	}
	if r := other.do("GET", functions+"/secret", ""); r.Code != http.StatusOK {
		t.Errorf("the owner gets %d", r.Code)
	}
}

// Whatever form a name has, and whatever operation is called: another account's resources stay
// as they are and are not shown.
func TestNoNameReachesAnotherAccount(t *testing.T) {
	mine, _ := twoAccounts(t)
	before := holdings(mine.memory, theirs)
	all := attempts()
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom(all).Draw(t, "attempt")
		partition := rapid.SampledFrom([]string{"aws", "aws-cn", ""}).Draw(t, "partition")
		region := rapid.SampledFrom([]string{"us-east-1:", "eu-west-1:", ""}).Draw(t, "region")
		suffix := rapid.SampledFrom([]string{"", ":1", ":live", ":$LATEST", ":nothing"}).Draw(t, "qualifier")
		prefix := rapid.SampledFrom([]string{"arn:" + partition + ":lambda:", ""}).Draw(t, "prefix")
		n := names{
			prefix + region + theirs + ":function:secret" + suffix,
			prefix + region + theirs + ":layer:secret",
			prefix + region + theirs + ":capacity-provider:secret",
		}
		if r := a.by(mine, n); r.Code < 400 || strings.Contains(r.Body.String(), "hidden") {
			t.Errorf("%s %s of %+v: %d %s", a.operation, a.target, n, r.Code, r.Body)
		}
		if diff := cmp.Diff(before, holdings(mine.memory, theirs)); diff != "" {
			t.Fatalf("%s %s of %+v has changed:\n%s", a.operation, a.target, n, diff)
		}
	})
}

// plain is an answer without the name that was asked for.
func plain(r reply, name string) string {
	return strings.ReplaceAll(strings.Join([]string{r.kind(), http.StatusText(r.Code), r.text()}, " "), name, "NAME")
}

// held is all that an account has.
type held struct {
	Functions map[lambda.FunctionID]lambda.Function
	Directory map[lambda.FunctionID]lambda.Function
	Providers map[lambda.ProviderID]lambda.CapacityProvider
	Layers    []lambda.LayerVersion
}

func holdings(m *memory, account string) held {
	h := held{map[lambda.FunctionID]lambda.Function{}, map[lambda.FunctionID]lambda.Function{}, map[lambda.ProviderID]lambda.CapacityProvider{}, nil}
	for id, fn := range m.functions {
		if id.Account == account {
			h.Functions[id], h.Directory[id] = clone(fn), clone(m.directory[id])
		}
	}
	for id, p := range m.kept {
		if id.Account == account {
			h.Providers[id] = p
		}
	}
	for _, v := range m.sorted() {
		if v.ID.Account == account {
			h.Layers = append(h.Layers, v)
		}
	}
	return h
}
