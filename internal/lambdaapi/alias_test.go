package lambdaapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// aliased makes an alias.
func (b *bench) aliased(name, version string, weights map[string]any) reply {
	b.t.Helper()
	body := map[string]any{"Name": name, "FunctionVersion": version}
	if weights != nil {
		body["RoutingConfig"] = map[string]any{"AdditionalVersionWeights": weights}
	}
	r := b.with("POST", "thumbnail/aliases", body)
	if r.Code != http.StatusCreated {
		b.t.Fatalf("alias: %d %s", r.Code, r.Body)
	}
	return r
}

// twoVersions is a bench with versions 1 and 2 of thumbnail.
func twoVersions(t *testing.T) *bench {
	b := newBench(t)
	b.run()
	b.create(map[string]any{"Publish": true})
	b.settled()
	b.updated(map[string]any{"Timeout": 10})
	b.published(nil)
	return b
}

func TestAliasLifecycle(t *testing.T) {
	b := twoVersions(t)
	created := b.aliased("live", "1", nil)
	want := map[string]any{"AliasArn": thumbnailARN + ":live", "Name": "live", "FunctionVersion": "1", "Description": ""}
	check := func(step string, status int, r reply) {
		t.Helper()
		if diff := cmp.Diff(want, without(r.fields, "RevisionId")); r.Code != status || diff != "" {
			t.Errorf("%s: %d -want +got\n%s", step, r.Code, diff)
		}
	}
	check("create", 201, created)
	check("get", 200, b.do("GET", functions+"/thumbnail/aliases/live", ""))
	moved := b.put("thumbnail/aliases/live", map[string]any{
		"FunctionVersion": "2", "Description": "moved", "RevisionId": created.fields["RevisionId"],
		"RoutingConfig": map[string]any{"AdditionalVersionWeights": map[string]any{"1": 0.25}},
	})
	want["FunctionVersion"], want["Description"] = "2", "moved"
	want["RoutingConfig"] = map[string]any{"AdditionalVersionWeights": map[string]any{"1": 0.25}}
	check("move", 200, moved)
	if moved.fields["RevisionId"] == created.fields["RevisionId"] {
		t.Error("the revision is still that of the creation")
	}
	check("describe", 200, b.put("thumbnail/aliases/live", map[string]any{}))
	delete(want, "RoutingConfig")
	check("all to one", 200, b.put("thumbnail/aliases/live", map[string]any{"RoutingConfig": map[string]any{}}))
	wantRefusal(t, b.put("thumbnail/aliases/live", map[string]any{"RevisionId": created.fields["RevisionId"]}), 412, "PreconditionFailedException",
		"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	for range 2 {
		if r := b.do("DELETE", functions+"/thumbnail/aliases/live", ""); r.Code != 204 || r.Body.Len() != 0 {
			t.Errorf("delete: %d %s", r.Code, r.Body)
		}
	}
	wantRefusal(t, b.do("GET", functions+"/thumbnail/aliases/live", ""), 404, notFound, "Cannot find alias arn: "+thumbnailARN+":live")
	wantRefusal(t, b.put("thumbnail/aliases/live", nil), 404, notFound, "Alias not found: "+thumbnailARN+":live")
}

// Texts as recorded: notfound_and_invalid_routingconfigs.
func TestAliasIsRefused(t *testing.T) {
	b := twoVersions(t)
	b.aliased("custom-empty", "1", map[string]any{})
	b.aliased("custom", "1", map[string]any{"2": 0.5})
	b.aliased("custom-latest", "$LATEST", nil)
	const (
		field  = "1 validation error detected: Value '%s' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: "
		values = "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"
		keys   = "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]"
	)
	tests := []struct {
		version    string
		weights    map[string]any
		status     int
		kind, text string
	}{
		{"1", map[string]any{"1": 0.8, "2": 0.2}, 400, parameter, "Number of items in AdditionalVersionWeights cannot be greater than 1"},
		{"1", map[string]any{"2": 2}, 400, validation, fmt.Sprintf(field, "{2=2.0}") + values},
		{"1", map[string]any{"2": -1}, 400, validation, fmt.Sprintf(field, "{2=-1.0}") + values},
		{"1", map[string]any{"2": nil}, 400, validation, fmt.Sprintf(field, "{2=null}") + values},
		{"1", map[string]any{"$LATEST": 0.5}, 400, validation, fmt.Sprintf(field, "{$LATEST=0.5}") + keys},
		{"1", map[string]any{"1": 0.5}, 400, parameter, "Invalid function version 1. Function version 1 is already included in routing configuration."},
		{"1", map[string]any{"10": 0.5}, 404, notFound, "Function not found: " + thumbnailARN + ":10"},
		{"10", map[string]any{"2": 0.5}, 404, notFound, "Function not found: " + thumbnailARN + ":10"},
		{"$LATEST", map[string]any{"1": 0.5}, 400, parameter, "$LATEST is not supported for an alias pointing to more than 1 version"},
		{"custom", nil, 400, validation, `1 validation error detected: Value 'custom' at 'functionVersion' failed to satisfy constraint: Member must satisfy regular expression pattern: (\$LATEST|[0-9]+)`},
	}
	for _, tt := range tests {
		body := map[string]any{"Name": "other", "FunctionVersion": tt.version, "RoutingConfig": map[string]any{"AdditionalVersionWeights": tt.weights}}
		wantRefusal(t, b.with("POST", "thumbnail/aliases", body), tt.status, tt.kind, tt.text)
		delete(body, "Name")
		wantRefusal(t, b.put("thumbnail/aliases/custom-empty", body), tt.status, tt.kind, tt.text)
	}
	latest := b.with("POST", "thumbnail/aliases", map[string]any{"Name": "other", "FunctionVersion": "$LATEST", "RoutingConfig": map[string]any{"AdditionalVersionWeights": map[string]any{"1": 0.5}}})
	if _, typed := latest.fields["Type"]; typed {
		t.Error("recorded without a Type")
	}
	again := map[string]any{"Name": "custom", "FunctionVersion": "1"}
	wantRefusal(t, b.with("POST", "thumbnail/aliases", again), 409, "ResourceConflictException", "Alias already exists: "+thumbnailARN+":custom")
	wantRefusal(t, b.with("POST", "thumbnail-unknown/aliases", again), 404, notFound, "Function not found: "+thumbnailARN+"-unknown:1")
	if diff := cmp.Diff([]string{"custom", "custom-empty", "custom-latest"}, b.aliases("")); diff != "" {
		t.Error(diff)
	}
}

func TestAliasNames(t *testing.T) {
	b := twoVersions(t)
	for _, good := range []string{"a", "1a", "A-b_c", strings.Repeat("x", 128)} {
		b.aliased(good, "1", nil)
	}
	for _, bad := range []string{"", "1", "007", "a b", "a.b", "$LATEST", "é", strings.Repeat("x", 129)} {
		r := b.with("POST", "thumbnail/aliases", map[string]any{"Name": bad, "FunctionVersion": "1"})
		if r.Code != 400 || r.kind() != validation || !strings.Contains(r.text(), "at 'name'") {
			t.Errorf("%q: %d %s", bad, r.Code, r.Body)
		}
	}
	r := b.with("POST", "thumbnail/aliases", nil)
	if want := "2 validation errors detected: Value null at 'name' failed to satisfy constraint: Member must not be null; Value null at 'functionVersion'"; !strings.HasPrefix(r.text(), want) {
		t.Errorf("%s", r.Body)
	}
}

// aliases reads all pages of ListAliases.
func (b *bench) aliases(query string) []string {
	b.t.Helper()
	names := []string{}
	marker := ""
	for range 100 {
		r := b.do("GET", functions+"/thumbnail/aliases?"+query+"&Marker="+marker, "")
		for _, a := range r.fields["Aliases"].([]any) {
			names = append(names, a.(map[string]any)["Name"].(string))
		}
		if r.fields["NextMarker"] == nil {
			return names
		}
		marker = r.fields["NextMarker"].(string)
	}
	b.t.Fatal("the list has no end")
	return nil
}

func TestListAliases(t *testing.T) {
	b := twoVersions(t)
	if r := b.do("GET", functions+"/thumbnail/aliases", ""); r.Body.String() != `{"Aliases":[]}` {
		t.Errorf("%s", r.Body)
	}
	var all []string
	for i := range 9 {
		name := fmt.Sprintf("a%d", (i*5)%9)
		b.aliased(name, []string{"1", "2"}[i%2], nil)
		all = append(all, name)
	}
	b.aliased("both", "1", map[string]any{"2": 0.1})
	all = append(all, "both")
	slices.Sort(all)
	for size := 1; size <= 11; size++ {
		if diff := cmp.Diff(all, b.aliases(fmt.Sprintf("MaxItems=%d", size))); diff != "" {
			t.Errorf("pages of %d: %s", size, diff)
		}
	}
	if diff := cmp.Diff([]string{"a5", "a6", "a7", "a8", "both"}, b.aliases("FunctionVersion=2&MaxItems=2")); diff != "" {
		t.Error(diff)
	}
	if got := b.aliases("FunctionVersion=9"); len(got) != 0 {
		t.Errorf("%v", got)
	}
	wantRefusal(t, b.do("GET", functions+"/nobody/aliases", ""), 404, notFound, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody")
}

// A function is read by its alias: the ARN names the alias, the version is the resolved
// one.
func TestGetFunctionByAlias(t *testing.T) {
	b := twoVersions(t)
	b.aliased("live", "1", map[string]any{"2": 0.5})
	for _, target := range []string{"thumbnail:live", "thumbnail?Qualifier=live", strings.ReplaceAll(thumbnailARN, ":", "%3A") + "%3Alive"} {
		r := b.do("GET", functions+"/"+target, "")
		configuration, _ := r.fields["Configuration"].(map[string]any)
		if r.Code != 200 || configuration["FunctionArn"] != thumbnailARN+":live" || configuration["Version"] != "1" || configuration["Timeout"] != 3.0 {
			t.Errorf("%s: %d %s", target, r.Code, r.Body)
		}
	}
	wantRefusal(t, b.do("GET", functions+"/thumbnail:dead", ""), 404, notFound, "Function not found: "+thumbnailARN+":dead")
}
