package lambdaapi

import (
	"encoding/json"
	"testing"
)

// FuzzAddPermission holds that whatever becomes a statement is JSON that names the
// function, and that the document with it is JSON.
func FuzzAddPermission(f *testing.F) {
	f.Add(permit("s3", "s3.amazonaws.com", `"SourceArn":"arn:aws:s3:::bucket"`, `"SourceAccount":"123456789012"`))
	f.Add(permit("x", "*", `"InvokedViaFunctionUrl":true`, `"EventSourceToken":"t"`))
	f.Add(permit("i", "arn:aws:iam::123456789012:role/r", `"PrincipalOrgID":"o-abcdef1234"`))
	f.Add(permit("s", "s3.amazonaws.com", `"SourceArn":"arn:aws:s3:::\"},{\"Sid\":\"more\""`))
	f.Fuzz(func(t *testing.T, body string) {
		b := newBench(t)
		b.create(map[string]any{"FunctionName": "fn"})
		r := b.do("POST", policyOf("fn"), body)
		if r.Code != 201 {
			checkShape(t, body, r)
			return
		}
		document, _ := b.policy(policyOf("fn"))
		var policy struct{ Statement []statementShape }
		if err := json.Unmarshal([]byte(document), &policy); err != nil || len(policy.Statement) != 1 {
			t.Fatalf("%s: %v", document, err)
		}
		if s := policy.Statement[0]; s.Effect != "Allow" || s.Resource != account+"fn" {
			t.Errorf("%s", document)
		}
	})
}
