package lambdaapi

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"lambent.dev/lambent/internal/lambda"
)

func setConcurrency(name string) string {
	return "/2017-10-31/functions/" + name + "/concurrency"
}

func readConcurrency(name string) string {
	return "/2019-09-30/functions/" + name + "/concurrency"
}

const belowMinimum = "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."

func TestConcurrency(t *testing.T) {
	b := newBench(t)
	b.withAlias()
	b.create(map[string]any{"FunctionName": "other"})
	b.follow([]step{
		{"GET", readConcurrency("fn"), "", 200, `{}`},
		{"PUT", setConcurrency("fn"), `{"ReservedConcurrentExecutions":700}`, 200, `{"ReservedConcurrentExecutions":700}`},
		{"GET", readConcurrency("fn"), "", 200, `{"ReservedConcurrentExecutions":700}`},
		{"PUT", setConcurrency("other"), `{"ReservedConcurrentExecutions":201}`, 400, belowMinimum},
		{"PUT", setConcurrency("other"), `{"ReservedConcurrentExecutions":200}`, 200, `{"ReservedConcurrentExecutions":200}`},
		{"PUT", setConcurrency("fn"), `{"ReservedConcurrentExecutions":701}`, 400, belowMinimum},
		{"PUT", setConcurrency("fn"), `{"ReservedConcurrentExecutions":699}`, 200, `{"ReservedConcurrentExecutions":699}`},
		{"DELETE", setConcurrency("other"), "", 204, ""},
		{"PUT", setConcurrency("fn"), `{"ReservedConcurrentExecutions":0}`, 200, `{"ReservedConcurrentExecutions":0}`},
		{"DELETE", setConcurrency("fn"), "", 204, ""},
		{"DELETE", setConcurrency("fn"), "", 204, ""},
		{"GET", readConcurrency("fn"), "", 200, `{}`},
	})
}

// Texts as recorded.
func TestConcurrencyErrors(t *testing.T) {
	b := newBench(t)
	b.withAlias()
	b.follow([]step{
		{"PUT", setConcurrency("gone"), `{"ReservedConcurrentExecutions":1}`, 404, "Function not found: " + account + "gone:$LATEST"},
		{"PUT", setConcurrency("gone"), `{"ReservedConcurrentExecutions":100000}`, 404, "Function not found: " + account + "gone:$LATEST"},
		{"GET", readConcurrency("gone"), "", 404, "Function not found: " + account + "gone"},
		{"PUT", setConcurrency("fn:1"), `{"ReservedConcurrentExecutions":1}`, 400, wholes},
		{"GET", readConcurrency("fn:live"), "", 400, wholes},
		{"DELETE", setConcurrency("fn:$LATEST"), "", 400, wholes},
		{"GET", readConcurrency(foreign), "", 404, otherReg},
		{"PUT", setConcurrency("fn"), `{}`, 400, "1 validation error detected: Value null at 'reservedConcurrentExecutions' failed to satisfy constraint: Member must not be null"},
		{"PUT", setConcurrency("fn"), `{"ReservedConcurrentExecutions":-1}`, 400, "1 validation error detected: Value '-1' at 'reservedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 0"},
	})
}

// The router hears of a reservation before the caller does, and GetFunction shows it.
func TestConcurrencyReachesTheRouter(t *testing.T) {
	b := newBench(t)
	b.create(map[string]any{"FunctionName": "fn"})
	b.do("PUT", setConcurrency("fn"), `{"ReservedConcurrentExecutions":0}`)
	if n := b.memory.directory[id("fn")].ReservedConcurrency; n == nil || *n != 0 {
		t.Errorf("the router has %v", n)
	}
	shown, _ := b.do("GET", functions+"/fn", "").fields["Concurrency"].(map[string]any)
	if shown["ReservedConcurrentExecutions"] != 0.0 {
		t.Errorf("GetFunction shows %v", shown)
	}
	b.do("DELETE", setConcurrency("fn"), "")
	if n := b.memory.directory[id("fn")].ReservedConcurrency; n != nil {
		t.Errorf("the router still has %d", *n)
	}
}

// Many at once never take more than there is.
func TestReservationsTogether(t *testing.T) {
	b := newBench(t)
	var all sync.WaitGroup
	taken := make(chan int, 20)
	for i := range 20 {
		name := fmt.Sprint("f", i)
		b.create(map[string]any{"FunctionName": name})
		all.Go(func() {
			if b.do("PUT", setConcurrency(name), `{"ReservedConcurrentExecutions":100}`).Code == http.StatusOK {
				taken <- i
			}
		})
	}
	all.Wait()
	if len(taken) != 9 {
		t.Errorf("%d reservations of 100, want 9", len(taken))
	}
}

func TestAccountSettings(t *testing.T) {
	b := newBench(t, func(d *Deps) { d.Concurrency = 500 })
	const settings, many = "/2016-08-19/account-settings/", 100
	limit := func(unreserved int) string {
		return fmt.Sprintf(`{"AccountLimit":{"TotalCodeSize":80530636800,"CodeSizeUnzipped":262144000,"CodeSizeZipped":52428800,`+
			`"ConcurrentExecutions":500,"UnreservedConcurrentExecutions":%d},"AccountUsage":`, unreserved)
	}
	b.follow([]step{{"GET", settings, "", 200, limit(500) + `{"TotalCodeSize":0,"FunctionCount":0}}`}})
	b.withAlias()
	for i := range many {
		b.create(map[string]any{"FunctionName": fmt.Sprint("f", i)})
	}
	b.do("PUT", setConcurrency("f7"), `{"ReservedConcurrentExecutions":12}`)
	layer := lambda.LayerID{Account: "000000000000", Region: "us-east-1", Name: "deps"}
	for i := range int64(3) {
		b.memory.versions = append(b.memory.versions, lambda.LayerVersion{ID: layer, Version: i + 1, Code: lambda.Code{Size: 1000}})
	}
	code := (many+2)*len(goodZip()) + 3000
	b.follow([]step{{"GET", settings, "", 200, limit(488) + fmt.Sprintf(`{"TotalCodeSize":%d,"FunctionCount":%d}}`, code, many+1)}})
	// Another region has its own functions; code is one for all: it is one disk.
	r := b.do("GET", settings, "", "Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-central-1/lambda/aws4_request, SignedHeaders=host, Signature=00")
	if got := r.Body.String(); got != limit(500)+fmt.Sprintf(`{"TotalCodeSize":%d,"FunctionCount":0}}`, code) {
		t.Error(got)
	}
}

func TestFunctionSettings(t *testing.T) {
	b := newBench(t)
	b.withAlias()
	signing := func(name string) string { return "/2020-06-30/functions/" + name + "/code-signing-config" }
	management := func(name string) string { return "/2021-07-20/functions/" + name + "/runtime-management-config" }
	recursion := func(name string) string { return "/2024-08-31/functions/" + name + "/recursion-config" }
	b.follow([]step{
		{"GET", signing("fn"), "", 200, `{}`},
		{"GET", signing("gone"), "", 404, "Function not found: " + account + "gone"},
		{"GET", signing(foreign), "", 404, otherReg},
		{"GET", management("fn"), "", 200, `{"UpdateRuntimeOn":"Auto","FunctionArn":"` + account + `fn"}`},
		{"GET", management("fn") + "?Qualifier=1", "", 200, `{"UpdateRuntimeOn":"Auto","FunctionArn":"` + account + `fn:1"}`},
		{"GET", management("fn") + "?Qualifier=7", "", 404, "Function not found: " + account + "fn:7"},
		{"GET", management("gone"), "", 404, "Function not found: " + account + "gone"},
		{"GET", recursion("fn"), "", 200, `{"RecursiveLoop":"Terminate"}`},
		{"PUT", recursion("fn"), `{"RecursiveLoop":"Allow"}`, 200, `{"RecursiveLoop":"Allow"}`},
		{"GET", recursion("fn"), "", 200, `{"RecursiveLoop":"Allow"}`},
		{"PUT", recursion("fn"), `{"RecursiveLoop":"Terminate"}`, 200, `{"RecursiveLoop":"Terminate"}`},
		{"PUT", recursion("fn"), `{"RecursiveLoop":"allow"}`, 400, "1 validation error detected: Value 'allow' at 'recursiveLoop' failed to satisfy constraint: Member must satisfy enum value set: [Allow, Terminate]"},
		{"PUT", recursion("gone"), `{"RecursiveLoop":"Allow"}`, 404, "Function not found: " + account + "gone"},
	})
	if loop := b.memory.functions[id("fn")].RecursiveLoop; loop != recursionTerminate {
		t.Errorf("stored %q", loop)
	}
	if r := send(b.HandlerFor(id("fn")), "PUT", recursion("fn"), `{"RecursiveLoop":"Allow"}`); r.Code != 403 || r.kind() != lambda.ErrAccessDenied.Name {
		t.Errorf("a function lifts its own limit: %d %s", r.Code, r.Body)
	}
}
