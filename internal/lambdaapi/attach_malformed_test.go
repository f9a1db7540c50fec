package lambdaapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lambent.dev/lambent/internal/lambda"
)

// family is a resource and how to spoil requests of it. Every request made of a bad
// part must fail, whatever the rest.
type family struct {
	operations []operation
	badLabels  []string            // in place of LABEL
	badMembers map[string][]string // JSON values of members of a body
}

// operation is a good request: LABEL stands in the target for the resource.
type operation struct {
	method, target string
	body           map[string]string // JSON by member; nil = none is read
	qualified      bool              // it knows the parameter Qualifier
}

var badNames = []string{
	"a%20b", "a%2Fb", "%00", "%FF", "%0A", "%E2%80%AE", "a%22b", "..%2f..", "gone", "gone:live", "a:b:c:d", ":", "fn:", "fn:a%3Fb", "$LATEST",
	strings.Repeat("a", 171), strings.Repeat("a", 2000), strings.Repeat("%61", 5000), foreign, "arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2Fx",
	"arn:aws:lambda:us-east-1:123456789012:function:fn", "123456789012:function:fn", "arn:aws:lambda:us-east-1:00000000000:function:fn", "%25s%25n",
	"fn%20", "%20fn", "%09", "%7F", "%C2%80", "fn%0D%0AX-A:%20b", "%3Cscript%3E", "%27%20OR%201=1", "fn;rm", "$(id)", "%24%7Bjndi%7D", "function:", "function:function:fn",
	"000000000000:fn:fn:fn", "arn:aws:lambda::000000000000:function:fn", "arn:aws:lambda:US-EAST-1:000000000000:function:fn", "%F0%9F%92%A9", "%ED%A0%80", "a,b", "~", "*", "%2E%2E",
}

var badResources = append([]string{
	"fn", url.PathEscape(account + "fn:live"), url.PathEscape(account + "fn:$LATEST"), url.PathEscape(account + "fn\n"), url.PathEscape(account),
	"arn:aws:lambda:us-east-1:000000000000:layer:l", "arn:aws:lambda:us-east-1:000000000000:layer:fn:1", "arn:aws:lambda:us-east-1:000000000000:function:" + strings.Repeat("f", 300),
	"arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-" + strings.Repeat("0", 17), "arn:aws:lambda:us-east-1:000000000000:capacity-provider:c",
	"arn:aws:lambda:us-east-1:000000000000:event-source-mapping:00000000-0000-0000-0000-000000000000",
}, badNames...)

var (
	badQualifiers = []string{"a%3Fb", "%00", "1221", "nobody", "%20", "%24LATEST%24%25", strings.Repeat("9", 129), strings.Repeat("q", 5000), "$LATEST.PUBLISHED", "%zz"}
	badBodies     = []string{
		`{`, `}`, `[]`, `[[]]`, `"x"`, `1`, `true`, `{}`, `null`, ` `, `{"a"}`, `{"a":}`, `{} {}`, "\xff\xfe", `{"a":"` + "\xc3" + `"}`, "\x00",
		strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 20_000), `{"a":"` + strings.Repeat("x", maxRequest) + `"}`, `<xml/>`, `a=b&c=d`,
	}
	badStrings = []string{`1`, `true`, `[]`, `{}`, `["a"]`, `""`, `" "`, `"a b"`, `"\u0000"`, `"a\nb"`, `"` + strings.Repeat("x", 2000) + `"`}
	badNumbers = []string{`-1`, `1.5`, `1e30`, `99999999999999999999`, `"1"`, `true`, `[]`, `{}`, `[1]`, `-0.1`, `100000`, `"one"`}
)

func families() map[string]family {
	body := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i+1 < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	permission := body("StatementId", `"s"`, "Action", `"lambda:InvokeFunction"`, "Principal", `"s3.amazonaws.com"`)
	events := body("MaximumRetryAttempts", `1`)
	recursion := "/2024-08-31/functions/LABEL/recursion-config"
	return map[string]family{
		"concurrency": {
			operations: []operation{
				{"PUT", setConcurrency("LABEL"), body("ReservedConcurrentExecutions", `1`), false},
				{"GET", readConcurrency("LABEL"), nil, false},
				{"DELETE", setConcurrency("LABEL"), nil, false},
			},
			badLabels:  append([]string{"fn:live", "fn:1", "fn:$LATEST"}, badNames...),
			badMembers: map[string][]string{"ReservedConcurrentExecutions": append([]string{`null`, `901`, `2147483648`}, badNumbers...)},
		},
		"tags": {
			operations: []operation{
				{"POST", "/2017-03-31/tags/LABEL", body("Tags", `{"a":"b"}`), false},
				{"GET", "/2017-03-31/tags/LABEL", nil, false},
				{"DELETE", "/2017-03-31/tags/LABEL?tagKeys=a", nil, false},
			},
			badLabels: badResources,
			badMembers: map[string][]string{"Tags": {
				`null`, `{}`, `[]`, `"a"`, `1`, `{"a":1}`, `{"a":null}`, `{"a":{}}`, `{"a":["b"]}`, `{"":"b"}`, `{"aws:a":"b"}`, `{"AWS:a":"b"}`,
				`{"` + strings.Repeat("k", 129) + `":"v"}`, `{"k":"` + strings.Repeat("v", 257) + `"}`, `{"lambent:isolation":""}`, `{"lambent:isolation":"Light"}`,
				`{"lambent:isolation":"gvisor"}`, `{"lambent:cpu":"-1"}`, `{"lambent:cpu":"NaN"}`, `{"lambent:network":"all"}`, `{"lambent:":"x"}`, `{"lambent:class":"slow"}`,
			}},
		},
		"policy": {
			operations: []operation{
				{"POST", policyOf("LABEL"), permission, true},
				{"GET", policyOf("LABEL"), nil, true},
				{"DELETE", policyOf("LABEL") + "/kept", nil, true},
			},
			badLabels: badNames,
			badMembers: map[string][]string{
				"StatementId": append([]string{`null`, `"kept"`, `"a.b"`, `"ü"`}, badStrings...), "Action": append([]string{`null`, `"s3:GetObject"`, `"lambda:"`, `"lambda:a*"`}, badStrings...),
				"Principal": append([]string{`null`, `"nobody"`, `"12345"`, `"arn:aws:iam::1:root"`, `"**"`, `"amazonaws.com"`}, badStrings...),
				"SourceArn": badStrings, "SourceAccount": append([]string{`"1234567890123"`}, badStrings...), "EventSourceToken": badStrings,
				"PrincipalOrgID": append([]string{`"o-short"`}, badStrings...), "FunctionUrlAuthType": append([]string{`"NONE"`, `"none"`}, badStrings...),
				"InvokedViaFunctionUrl": {`"true"`, `1`, `[]`, `{}`}, "RevisionId": {`1`, `[]`, `"stale"`},
			},
		},
		"settings": {
			operations: []operation{
				{"PUT", recursion, body("RecursiveLoop", `"Allow"`), false},
				{"GET", recursion, nil, false},
				{"GET", "/2020-06-30/functions/LABEL/code-signing-config", nil, false},
				{"GET", "/2021-07-20/functions/LABEL/runtime-management-config", nil, true},
			},
			badLabels:  badNames,
			badMembers: map[string][]string{"RecursiveLoop": append([]string{`null`, `"allow"`, `"TERMINATE"`, `"Allow "`}, badStrings...)},
		},
		"events": {
			operations: []operation{
				{"PUT", eventConfig("LABEL"), events, true},
				{"POST", eventConfig("LABEL"), events, true},
				{"GET", eventConfig("LABEL"), nil, true},
				{"DELETE", eventConfig("LABEL"), nil, true},
				{"GET", eventConfig("LABEL") + "/list", nil, false},
			},
			badLabels: badNames,
			badMembers: map[string][]string{
				"MaximumRetryAttempts": append([]string{`3`}, badNumbers...), "MaximumEventAgeInSeconds": append([]string{`59`, `21601`, `0`}, badNumbers...),
				"DestinationConfig": {`1`, `"x"`, `[]`, `{"OnSuccess":1}`, `{"OnFailure":[]}`, `{"OnFailure":{"Destination":1}}`, `{"OnFailure":{"Destination":"x"}}`, `{"OnSuccess":{"Destination":"arn:aws:s3:::b"}}`},
			},
		},
	}
}

// requests spoils one part of each operation at a time.
func (f family) requests() []malformed {
	var all []malformed
	for _, o := range f.operations {
		good := strings.ReplaceAll(o.target, "LABEL", url.PathEscape(f.goodLabel()))
		add := func(target, body string) { all = append(all, malformed{method: o.method, target: target, body: body}) }
		for _, label := range f.badLabels {
			add(strings.ReplaceAll(o.target, "LABEL", label), encodeMembers(o.body))
		}
		for _, method := range []string{"PATCH", "OPTIONS", "TRACE", "LOCK"} {
			all = append(all, malformed{method: method, target: good})
		}
		if o.qualified {
			for _, q := range badQualifiers {
				add(good+"?Qualifier="+q, encodeMembers(o.body))
			}
		}
		if o.body == nil {
			continue
		}
		for _, body := range badBodies {
			add(good, body)
		}
		for member, values := range f.badMembers {
			for _, value := range values {
				add(good, encodeMembers(with(o.body, member, value)))
			}
		}
	}
	return append(all, f.wrongPaths()...)
}

func (f family) goodLabel() string {
	if strings.Contains(f.operations[0].target, "/tags/") {
		return account + "fn"
	}
	return "fn"
}

// wrongPaths leave the table of routes by a little.
func (f family) wrongPaths() []malformed {
	var all []malformed
	for _, o := range f.operations {
		path, _, _ := strings.Cut(strings.ReplaceAll(o.target, "LABEL", "fn"), "?")
		for _, wrong := range []string{path + "/x/y", "/" + path, path + "//", strings.Replace(path, "/20", "/19", 1), strings.ToUpper(path), path + "%2F", "/x" + path} {
			all = append(all, malformed{method: o.method, target: wrong})
		}
	}
	return all
}

func with(members map[string]string, name, value string) map[string]string {
	out := map[string]string{name: value}
	for n, v := range members {
		if n != name {
			out[n] = v
		}
	}
	return out
}

func encodeMembers(members map[string]string) string {
	if members == nil {
		return ""
	}
	var pairs []string
	for name, value := range members {
		pairs = append(pairs, fmt.Sprintf("%q:%s", name, value))
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// prepared is a bench with one function that has something of everything.
func prepared(t *testing.T) *bench {
	b := newBench(t)
	b.withAlias()
	b.do("POST", policyOf("fn"), permit("kept", "*"))
	b.do("POST", tagsOf("fn"), `{"Tags":{"kept":"yes"}}`)
	b.do("PUT", eventConfig("fn"), `{"MaximumRetryAttempts":1}`)
	b.do("PUT", setConcurrency("fn"), `{"ReservedConcurrentExecutions":3}`)
	return b
}

// Every bad request gets an error in AWS's shape and changes nothing: more than 200 per
// resource.
func TestMalformedAttachments(t *testing.T) {
	for name, f := range families() {
		b := prepared(t)
		before, writes := clone(b.memory.functions[id("fn")]), b.memory.writes
		all := f.requests()
		if len(all) < 200 {
			t.Errorf("%s: only %d requests", name, len(all))
		}
		for _, m := range all {
			r := b.do(m.method, m.target, m.body)
			checkShape(t, fmt.Sprintf("%s: %s %.120s %.120q: %.200s", name, m.method, m.target, m.body, r.Body), r)
		}
		if diff := cmp.Diff(before, b.memory.functions[id("fn")]); diff != "" || b.memory.writes != writes {
			t.Errorf("%s: %d writes, the function changed: %s", name, b.memory.writes-writes, diff)
		}
	}
}

// Whatever is put together of good and bad parts answers with success or an error in
// AWS's shape, and an error changes nothing.
func TestAnyAttachment(t *testing.T) {
	kinds := families()
	rapid.Check(t, func(rt *rapid.T) {
		b := prepared(t)
		for range rapid.IntRange(1, 6).Draw(rt, "requests") {
			f := kinds[rapid.SampledFrom([]string{"concurrency", "events", "policy", "settings", "tags"}).Draw(rt, "family")]
			m := f.draw(rt)
			before := clone(b.memory.functions[id("fn")])
			r := b.do(m.method, m.target, m.body)
			if r.Code < 400 {
				b.checkKnown(rt)
				continue
			}
			checkShape(t, fmt.Sprintf("%s %.200s %.200q", m.method, m.target, m.body), r)
			if diff := cmp.Diff(before, b.memory.functions[id("fn")]); diff != "" {
				rt.Fatalf("%d %s, and yet: %s", r.Code, r.Body, diff)
			}
		}
	})
}

// draw makes a request of parts that may all be bad.
func (f family) draw(rt *rapid.T) malformed {
	o := rapid.SampledFrom(f.operations).Draw(rt, "operation")
	label := rapid.OneOf(rapid.Just(url.PathEscape(f.goodLabel())), rapid.SampledFrom(f.badLabels), rapid.Map(rapid.String(), url.PathEscape)).Draw(rt, "label")
	target := strings.ReplaceAll(o.target, "LABEL", label)
	if o.qualified && rapid.Bool().Draw(rt, "qualified") {
		target += "?Qualifier=" + rapid.SampledFrom(append([]string{"live", "1", "$LATEST"}, badQualifiers...)).Draw(rt, "qualifier")
	}
	members := map[string]string{}
	for name, value := range o.body {
		members[name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(f.badMembers)) { // rapid needs an order
		values := f.badMembers[name]
		if rapid.Float64Range(0, 1).Draw(rt, "spoil") > 0.8 {
			members[name] = rapid.SampledFrom(values).Draw(rt, name)
		}
	}
	body := encodeMembers(members)
	if rapid.Float64Range(0, 1).Draw(rt, "junk") > 0.9 {
		body = rapid.String().Draw(rt, "body")
	}
	return malformed{method: o.method, target: target, body: body}
}

// checkKnown holds what is true of every stored state: the router has it, its policies
// are JSON within the limit, its tags could be set again.
func (b *bench) checkKnown(rt *rapid.T) {
	fn := b.memory.functions[id("fn")]
	if diff := cmp.Diff(fn, b.memory.directory[id("fn")]); diff != "" {
		rt.Fatalf("the router has another state: %s", diff)
	}
	for qualifier, policy := range fn.Policies {
		document := resourcePolicy(policy).document()
		if !json.Valid([]byte(document)) || len(document) > lambda.MaxPolicy || len(policy.Statements) == 0 {
			rt.Fatalf("policy of %q: %s", qualifier, document)
		}
	}
	if err := checkTags(fn.Tags); err != nil {
		rt.Fatal(err)
	}
	if _, err := lambda.ParseSettings(fn.Tags); err != nil {
		rt.Fatal(err)
	}
}
