package lambdaapi

import (
	"testing"

	"lambent.dev/lambent/internal/lambda"
)

// step is one request and the whole of its answer.
type step struct {
	method, target, body string
	status               int
	want                 string // body; for errors the text
}

// follow makes requests in order.
func (b *bench) follow(steps []step) {
	b.t.Helper()
	for i, s := range steps {
		r := b.do(s.method, s.target, s.body)
		got := r.Body.String()
		if r.Code >= 400 {
			got = r.text()
		}
		if r.Code != s.status || got != s.want {
			b.t.Errorf("step %d, %s %s %s:\n got %d %s\nwant %d %s", i, s.method, s.target, s.body, r.Code, got, s.status, s.want)
		}
	}
}

// edit changes a stored function behind the API's back.
func (b *bench) edit(name string, how func(*lambda.Function)) {
	b.t.Helper()
	_, err := b.memory.UpdateFunction(b.t.Context(), id(name), func(fn *lambda.Function) error {
		how(fn)
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// withAlias makes the function "fn" with version 1 and the alias "live".
func (b *bench) withAlias() {
	b.t.Helper()
	b.create(map[string]any{"FunctionName": "fn", "Publish": true})
	b.edit("fn", func(fn *lambda.Function) {
		fn.Aliases = []lambda.Alias{{Name: "live", Version: "1", RevisionID: newRevision()}}
	})
}

const (
	account  = "arn:aws:lambda:us-east-1:000000000000:function:"
	wholes   = "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN."
	otherReg = "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
	foreign  = "arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction%3Afn"
)

// Deleting a version takes what is attached to it along.
func TestDeleteVersionDetaches(t *testing.T) {
	b := newBench(t)
	b.create(map[string]any{"FunctionName": "fn", "Publish": true})
	b.do("POST", functions+"/fn/policy?Qualifier=1", `{"StatementId":"s","Action":"lambda:InvokeFunction","Principal":"*"}`)
	b.do("PUT", eventConfig("fn")+"?Qualifier=1", `{"MaximumRetryAttempts":1}`)
	if fn := b.memory.functions[id("fn")]; len(fn.Policies) != 1 || len(fn.EventInvoke) != 1 {
		t.Fatalf("attached %v, %v", fn.Policies, fn.EventInvoke)
	}
	b.do("DELETE", functions+"/fn?Qualifier=1", "")
	if fn := b.memory.functions[id("fn")]; len(fn.Policies) != 0 || len(fn.EventInvoke) != 0 {
		t.Errorf("left %v, %v", fn.Policies, fn.EventInvoke)
	}
}

// A permission that is added while a function becomes active keeps nothing up.
func TestChangeWhilePending(t *testing.T) {
	b := newBench(t)
	b.host.held = make(chan struct{})
	b.run()
	b.create(map[string]any{"FunctionName": "fn"})
	if r := b.do("POST", functions+"/fn/policy", `{"StatementId":"s","Action":"lambda:InvokeFunction","Principal":"*"}`); r.Code != 201 {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	close(b.host.held)
	b.await("fn", "Active")
	if r := b.do("GET", functions+"/fn/policy", ""); r.Code != 200 {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}
