package lambdaapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lambent.dev/lambent/internal/lambda"
)

func policyOf(name string) string { return functions + "/" + name + "/policy" }

// permit is a body of AddPermission; extra are more members.
func permit(sid, principal string, extra ...string) string {
	return fmt.Sprintf(`{"StatementId":%q,"Action":"lambda:InvokeFunction","Principal":%q%s}`, sid, principal, strings.Join(append([]string{""}, extra...), ","))
}

// policy reads a policy's document and revision.
func (b *bench) policy(target string) (document, revision string) {
	b.t.Helper()
	r := b.do("GET", target, "")
	document, _ = r.fields["Policy"].(string)
	revision, _ = r.fields["RevisionId"].(string)
	if r.Code != 200 || !json.Valid([]byte(document)) || !uuidShape.MatchString(revision) {
		b.t.Errorf("%s: %d %s", target, r.Code, r.Body)
	}
	return document, revision
}

func TestStatements(t *testing.T) {
	tests := map[string]struct{ body, want string }{
		"service":  {permit("s3", "s3.amazonaws.com"), `{"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"ARN"}`},
		"account":  {permit("a", "123456789012"), `{"Sid":"a","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"lambda:InvokeFunction","Resource":"ARN"}`},
		"identity": {permit("i", "arn:aws:iam::123456789012:role/r"), `{"Sid":"i","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/r"},"Action":"lambda:InvokeFunction","Resource":"ARN"}`},
		"anybody":  {permit("x", "*"), `{"Sid":"x","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"ARN"}`},
		"source": {
			permit("sqs", "sqs.amazonaws.com", `"SourceArn":"arn:aws:s3:::bucket"`),
			`{"Sid":"sqs","Effect":"Allow","Principal":{"Service":"sqs.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"ARN","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::bucket"}}}`,
		},
		"account of the source": {
			permit("s3", "s3.amazonaws.com", `"SourceArn":"arn:aws:s3:::b<&>"`, `"SourceAccount":"123456789012"`),
			`{"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"ARN","Condition":{"StringEquals":{"AWS:SourceAccount":"123456789012"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b<&>"}}}`,
		},
		"token and organization": {
			permit("t", "*", `"EventSourceToken":"amzn1.ask"`, `"PrincipalOrgID":"o-abcdef1234"`),
			`{"Sid":"t","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"ARN","Condition":{"StringEquals":{"lambda:EventSourceToken":"amzn1.ask","aws:PrincipalOrgID":"o-abcdef1234"}}}`,
		},
		"URL": {
			strings.Replace(permit("u", "*", `"FunctionUrlAuthType":"NONE"`), "InvokeFunction", "InvokeFunctionUrl", 1),
			`{"Sid":"u","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunctionUrl","Resource":"ARN","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}}`,
		},
		"by way of a URL": {
			permit("v", "*", `"InvokedViaFunctionUrl":true`),
			`{"Sid":"v","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"ARN","Condition":{"Bool":{"lambda:InvokedViaFunctionUrl":"true"}}}`,
		},
	}
	for name, test := range tests {
		for _, qualifier := range []string{"", "1", "live"} {
			b := newBench(t)
			b.withAlias()
			target := policyOf("fn") + "?Qualifier=" + qualifier
			want := strings.Replace(test.want, "ARN", id("fn").QualifiedARN(qualifier), 1)
			r := b.do("POST", target, test.body)
			if r.Code != 201 || r.fields["Statement"] != want {
				t.Errorf("%s, %q:\n got %d %v\nwant %s", name, qualifier, r.Code, r.fields["Statement"], want)
			}
			document, _ := b.policy(target)
			if diff := cmp.Diff(`{"Version":"2012-10-17","Id":"default","Statement":[`+want+`]}`, document); diff != "" {
				t.Errorf("%s: -want +got\n%s", name, diff)
			}
		}
	}
}

// The steps are recorded ones.
func TestRemovePermissions(t *testing.T) {
	b := newBench(t)
	b.withAlias()
	b.do("POST", policyOf("fn"), permit("s3", "s3.amazonaws.com"))
	b.do("POST", policyOf("fn"), permit("sqs", "sqs.amazonaws.com"))
	both, first := b.policy(policyOf("fn"))
	b.follow([]step{
		{"DELETE", policyOf("fn") + "/non-existent", "", 404, "Statement non-existent is not found in resource policy."},
		{"DELETE", policyOf("fn") + "/sqs", "", 204, ""},
	})
	one, second := b.policy(policyOf("fn"))
	if len(one) >= len(both) || strings.Contains(one, "sqs") || first == second {
		t.Errorf("%s, revision %s: then %s, revision %s", both, first, one, second)
	}
	b.follow([]step{
		{"DELETE", policyOf("fn") + "/s3", "", 204, ""},
		{"GET", policyOf("fn"), "", 404, "The resource you requested does not exist."},
		{"DELETE", policyOf("fn") + "/s3", "", 404, "No policy is associated with the given resource."},
	})
}

// Texts as recorded.
func TestPermissionErrors(t *testing.T) {
	b := newBench(t)
	b.withAlias()
	b.do("POST", policyOf("fn"), permit("s3", "s3.amazonaws.com"))
	arn := account + "fn"
	add := func(query, body string, status int, text string) step {
		return step{"POST", policyOf("fn") + query, body, status, text}
	}
	good := permit("s", "s3.amazonaws.com")
	b.follow([]step{
		add("", permit("s3", "*"), 409, "The statement id (s3) provided already exists. Please provide a new statement id, or remove the existing statement."),
		add("", permit("example.com", "*"), 400, "1 validation error detected: Value 'example.com' at 'statementId' failed to satisfy constraint: Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)"),
		add("", permit("s", "invalid.nonaws.com"), 400, "The provided principal was invalid. Please check the principal and try again."),
		add("?Qualifier=$LATEST", good, 400, "We currently do not support adding policies for $LATEST."),
		add("?Qualifier=42", good, 404, "Function not found: "+arn+":42"),
		add("?Qualifier=alias-doesnotexist", good, 404, "Cannot find alias arn: "+arn+":alias-doesnotexist"),
		add("?Qualifier=valid-with-$-but-doesnotexist", good, 404, "Function not found: "+arn+":valid-with-$-but-doesnotexist"),
		add("?Qualifier=invalid-qualifier-with-%3F-char", good, 400, `1 validation error detected: Value 'invalid-qualifier-with-?-char' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+`),
		{"POST", policyOf("fn:1") + "?Qualifier=2", good, 400, "The derived qualifier from the function name does not match the specified qualifier."},
		{"POST", policyOf("gone"), good, 404, "Function not found: " + account + "gone"},
		{"GET", policyOf("gone"), "", 404, "The resource you requested does not exist."},
		{"GET", policyOf("fn") + "?Qualifier=42", "", 404, "The resource you requested does not exist."},
		{"DELETE", policyOf("gone") + "/s3", "", 404, "No policy found for: " + account + "gone"},
		{"DELETE", policyOf("fn") + "/s3?Qualifier=alias-doesnotexist", "", 404, "Cannot find alias arn: " + arn + ":alias-doesnotexist"},
		{"DELETE", policyOf("fn") + "/s3?Qualifier=live", "", 404, "No policy is associated with the given resource."},
		add("", permit("s", "*", `"FunctionUrlAuthType":"NONE"`), 400, "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"),
	})
}

// The guard is the revision of what the policy is attached to.
func TestPolicyRevisions(t *testing.T) {
	const stale = "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id"
	for _, qualifier := range []string{"", "1", "live"} {
		b := newBench(t)
		b.withAlias()
		target := func(path string) string { return policyOf("fn") + path + "?Qualifier=" + qualifier }
		guarded := func(sid, revision string) string { return permit(sid, "*", fmt.Sprintf(`"RevisionId":%q`, revision)) }
		b.do("POST", target(""), permit("a", "*"))
		_, first := b.policy(target(""))
		if r := b.do("POST", target(""), guarded("b", first)); r.Code != 201 {
			t.Errorf("%q: %d %s", qualifier, r.Code, r.Body)
		}
		_, second := b.policy(target(""))
		fn := b.memory.functions[id("fn")]
		if first == second || *revisionOf(&fn, qualifier) != second {
			t.Errorf("%q: revisions %s, %s; the resource has %s", qualifier, first, second, *revisionOf(&fn, qualifier))
		}
		b.follow([]step{
			{"POST", target(""), guarded("c", first), 412, stale},
			{"DELETE", target("/a") + "&RevisionId=" + first, "", 412, stale},
			{"DELETE", target("/a") + "&RevisionId=" + second, "", 204, ""},
		})
	}
}

func TestPolicySize(t *testing.T) {
	b := newBench(t)
	b.create(map[string]any{"FunctionName": "fn"})
	size := len(resourcePolicy{}.document())
	for i := range 1000 {
		r := b.do("POST", policyOf("fn"), permit(fmt.Sprint("s", i), "s3.amazonaws.com"))
		if r.Code == 201 {
			document, _ := b.policy(policyOf("fn"))
			size = len(document)
			continue
		}
		next := size + len(fmt.Sprintf(`,{"Sid":"s%d","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"%sfn"}`, i, account))
		want := fmt.Sprintf("The final policy size (%d) is bigger than the limit (20480).", next)
		if r.Code != 400 || r.kind() != "PolicyLengthExceededException" || r.fields["message"] != want || size > lambda.MaxPolicy || next <= lambda.MaxPolicy {
			t.Errorf("at %d bytes: %d %s, want %s", size, r.Code, r.Body, want)
		}
		return
	}
	t.Error("a policy has no limit")
}
