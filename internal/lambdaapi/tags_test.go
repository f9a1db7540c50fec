package lambdaapi

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
)

func tagsOf(name string) string { return "/2017-03-31/tags/" + url.PathEscape(account+name) }

const tagPattern = `' at 'resource' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)`

// The steps are those of a recorded lifecycle.
func TestTagLifecycle(t *testing.T) {
	b := newBench(t)
	b.withAlias()
	tags := tagsOf("fn")
	b.follow([]step{
		{"GET", tags, "", 200, `{"Tags":{}}`},
		{"POST", tags, `{"Tags":{"A":"tag-a"}}`, 204, ""},
		{"GET", tags, "", 200, `{"Tags":{"A":"tag-a"}}`},
		{"POST", tags, `{"Tags":{"B":"tag-b","C":"tag-c"}}`, 204, ""},
		{"POST", tags, `{"Tags":{"C":"tag-c-newsuffix","D":"tag-d"}}`, 204, ""},
		{"GET", tags, "", 200, `{"Tags":{"A":"tag-a","B":"tag-b","C":"tag-c-newsuffix","D":"tag-d"}}`},
		{"DELETE", tags + "?tagKeys=A", "", 204, ""},
		{"DELETE", tags + "?tagKeys=B&tagKeys=C", "", 204, ""},
		{"DELETE", tags + "?tagKeys=X", "", 204, ""},
		{"GET", tags, "", 200, `{"Tags":{"D":"tag-d"}}`},
		{"DELETE", tags + "?tagKeys=D&tagKeys=X", "", 204, ""},
		{"GET", tags, "", 200, `{"Tags":{}}`},
	})
	if shown := b.do("GET", functions+"/fn", "").fields["Tags"]; !cmp.Equal(shown, map[string]any{lambda.InForceTag: "light"}) {
		t.Errorf("GetFunction shows %v", shown)
	}
}

// Texts as recorded.
func TestTagErrors(t *testing.T) {
	b := newBench(t)
	b.withAlias()
	const qualified = "Tags on function aliases and versions are not supported. Please specify a function ARN."
	mapping := "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:00000000-0000-0000-0000-000000000000"
	b.follow([]step{
		{"POST", tagsOf("fn"), `{"Tags":{}}`, 400, "An error occurred and the request cannot be processed."},
		{"POST", tagsOf("fn"), `{}`, 400, "1 validation error detected: Value null at 'tags' failed to satisfy constraint: Member must not be null"},
		{"DELETE", tagsOf("fn"), "", 400, "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null"},
		{"POST", tagsOf("gone"), `{"Tags":{"a":"b"}}`, 404, "Function not found: " + account + "gone"},
		{"DELETE", tagsOf("gone") + "?tagKeys=a", "", 404, "Function not found: " + account + "gone"},
		{"GET", tagsOf("gone"), "", 404, "Function not found: " + account + "gone"},
		{"POST", tagsOf("fn:alias"), `{"Tags":{"a":"b"}}`, 400, qualified},
		{"GET", tagsOf("fn:$LATEST"), "", 400, qualified},
		{"POST", "/2017-03-31/tags/arn%3Aaws%3Asomething", `{"Tags":{"a":"b"}}`, 400, "1 validation error detected: Value 'arn:aws:something" + tagPattern},
		{"GET", "/2017-03-31/tags/" + url.PathEscape(mapping), "", 404, "Event source mapping not found: " + mapping},
		{"GET", "/2017-03-31/tags/" + strings.Replace(url.PathEscape(account+"fn"), "us-east-1", "eu-west-1", 1), "", 404, otherReg},
	})
}

func TestTagLimits(t *testing.T) {
	b := newBench(t)
	b.create(map[string]any{"FunctionName": "fn"})
	many := func(from, n int) string {
		var pairs []string
		for i := range n {
			pairs = append(pairs, fmt.Sprintf(`"%d_key":"v"`, from+i))
		}
		return `{"Tags":{` + strings.Join(pairs, ",") + `}}`
	}
	const tooMany = "Number of tags exceeds resource tag limit."
	b.follow([]step{
		{"POST", tagsOf("fn"), many(0, 51), 400, tooMany},
		{"GET", tagsOf("fn"), "", 200, `{"Tags":{}}`},
		{"POST", tagsOf("fn"), many(0, 50), 204, ""},
		{"POST", tagsOf("fn"), many(50, 1), 400, tooMany},
		{"POST", tagsOf("fn"), many(49, 1), 204, ""},
	})
	if n := len(b.memory.functions[id("fn")].Tags); n != 50 {
		t.Errorf("%d tags", n)
	}
}

// Settings among the tags: a bad one fails the call, a new meaning makes new instances.
func TestTagsSetHowFunctionsRun(t *testing.T) {
	b := newBench(t)
	b.withAlias()
	generations := func() [2]uint64 {
		fn := b.memory.functions[id("fn")]
		return [2]uint64{fn.Latest.Generation, fn.Published[0].Generation}
	}
	set := func(body string) int { return b.do("POST", tagsOf("fn"), body).Code }
	unset := func(key string) int { return b.do("DELETE", tagsOf("fn")+"?tagKeys="+key, "").Code }
	tests := []struct {
		name   string
		do     func() int
		status int
		renews bool
	}{
		{"an ordinary tag", func() int { return set(`{"Tags":{"team":"shop"}}`) }, 204, false},
		{"the default tier, spelled out", func() int { return set(`{"Tags":{"lambent:isolation":"light"}}`) }, 204, false},
		{"an unknown tier", func() int { return set(`{"Tags":{"lambent:isolation":"strong"}}`) }, 400, false},
		{"a tier that is not there", func() int { return set(`{"Tags":{"lambent:isolation":"microvm"}}`) }, 400, false},
		{"an unknown setting", func() int { return set(`{"Tags":{"lambent:isolaton":"light"}}`) }, 400, false},
		{"a limit", func() int { return set(`{"Tags":{"lambent:cpu":"0.5"}}`) }, 204, true},
		{"the same limit", func() int { return set(`{"Tags":{"lambent:cpu":"0.50"}}`) }, 204, false},
		{"no limit", func() int { return unset("lambent:cpu") }, 204, true},
		{"no tier", func() int { return unset("lambent:isolation") }, 204, false},
	}
	for _, test := range tests {
		before := generations()
		if status := test.do(); status != test.status {
			t.Errorf("%s: status %d, want %d", test.name, status, test.status)
		}
		after := generations()
		if renewed := after[0] > before[0] && after[1] > before[1]; renewed != test.renews || !renewed && after != before {
			t.Errorf("%s: generations %v, then %v", test.name, before, after)
		}
		if known := b.memory.directory[id("fn")]; known.Latest.Generation != b.memory.functions[id("fn")].Latest.Generation {
			t.Errorf("%s: the router has generation %d", test.name, known.Latest.Generation)
		}
	}
}

// A default that the host does not offer is an error, not a weaker one.
func TestUntagToAMissingDefault(t *testing.T) {
	b := newBench(t)
	b.create(map[string]any{"FunctionName": "fn", "Tags": map[string]any{"lambent:isolation": "light"}})
	b.Isolation.Default = lambda.TierMicroVM
	b.follow([]step{
		{"DELETE", tagsOf("fn") + "?tagKeys=lambent:isolation", "", 400, "This host does not offer the isolation microvm: no driver for it is there"},
		{"GET", tagsOf("fn"), "", 200, `{"Tags":{"lambent:isolation":"light"}}`},
	})
}

// While an update is in progress, the old state and the new one stay apart.
func TestRetagDuringUpdate(t *testing.T) {
	b := newBench(t)
	b.create(map[string]any{"FunctionName": "fn"})
	b.edit("fn", func(fn *lambda.Function) {
		serving := fn.Latest
		fn.Serving, fn.Latest.Generation = &serving, fn.Latest.Generation+1
	})
	before := b.memory.functions[id("fn")]
	b.do("POST", tagsOf("fn"), `{"Tags":{"lambent:cpu":"1"}}`)
	after := b.memory.functions[id("fn")]
	generations := map[uint64]bool{
		before.Latest.Generation: true, before.Serving.Generation: true, after.Latest.Generation: true, after.Serving.Generation: true,
	}
	if len(generations) != 4 {
		t.Errorf("generations %v", generations)
	}
}
