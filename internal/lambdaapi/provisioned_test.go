package lambdaapi

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"lambent.dev/lambent/internal/lambda"
)

func provisioned(name, qualifier string) string {
	return "/2019-09-30/functions/" + name + "/provisioned-concurrency?Qualifier=" + qualifier
}

func executions(n int) string { return fmt.Sprintf(`{"ProvisionedConcurrentExecutions":%d}`, n) }

// accept puts a configuration that must be accepted.
func (b *bench) accept(name, qualifier string, n int) {
	b.t.Helper()
	r := b.do("PUT", provisioned(name, qualifier), executions(n))
	if r.Code != http.StatusAccepted || r.fields["RequestedProvisionedConcurrentExecutions"] != float64(n) || r.fields["Status"] != "IN_PROGRESS" {
		b.t.Errorf("put %d for %s: %d %s", n, qualifier, r.Code, r.Body)
	}
}

const (
	noConfig     = "No Provisioned Concurrency Config found for this function"
	unpublished  = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
	notPublished = "The function resource provided must be an alias or a published version."
	aboveReserve = "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
	belowShared  = "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."
)

// Texts as the service answers.
func TestProvisionedErrors(t *testing.T) {
	b := newBench(t)
	b.withAlias() // live leads to version 1
	null := "1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null"
	b.follow([]step{
		{"PUT", provisioned("fn", "1"), `{}`, 400, fmt.Sprintf(null, "provisionedConcurrentExecutions")},
		{"PUT", provisioned("fn", "1"), executions(0), 400, "1 validation error detected: Value '0' at 'provisionedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"PUT", provisioned("fn", ""), executions(1), 400, fmt.Sprintf(null, "qualifier")},
		{"PUT", provisioned("fn", "$LATEST"), executions(1), 400, unpublished},
		{"PUT", provisioned("fn", "7"), executions(1), 404, "Function not found: " + account + "fn:7"},
		{"PUT", provisioned("fn", "gone"), executions(1), 404, "Cannot find alias arn: " + account + "fn:gone"},
		{"PUT", provisioned("gone", "1"), executions(1), 404, "Function not found: " + account + "gone:1"},
		{"PUT", provisioned("fn", "1"), executions(1001), 400, "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000]."},
		{"PUT", provisioned("fn", "1"), executions(901), 400, belowShared},
		{"GET", provisioned("fn", "$LATEST"), "", 400, notPublished},
		{"GET", provisioned("fn", "1"), "", 404, noConfig},
		{"GET", provisioned("fn", "7"), "", 404, "Function not found: " + account + "fn:7"},
		{"GET", provisioned("fn", "gone"), "", 404, "Cannot find alias arn: " + account + "fn:gone"},
		{"DELETE", provisioned("fn", "$LATEST"), "", 400, notPublished},
		{"DELETE", provisioned("fn", "7"), "", 404, "Function not found: " + account + "fn:7"},
		{"DELETE", provisioned("fn", "1"), "", 204, ""},
	})
	if r := b.do("GET", provisioned("fn", "1"), ""); r.kind() != "ProvisionedConcurrencyConfigNotFoundException" {
		t.Error(r.kind())
	}
	if r := send(b.HandlerFor(id("fn")), "PUT", provisioned("fn", "1"), executions(1)); r.Code != 403 {
		t.Errorf("a function provisions itself: %d %s", r.Code, r.Body)
	}
}

// A version and an alias that leads to it cannot both have it, and an alias does not get
// there by a move.
func TestProvisionedOnAliasAndVersion(t *testing.T) {
	b := newBench(t)
	b.withAlias()
	b.publishAnother("fn")
	b.accept("fn", "live", 2)
	b.follow([]step{
		{"PUT", provisioned("fn", "1"), executions(1), 409, "Version is pointed by a Provisioned Concurrency alias"},
		{"PUT", functions + "/fn/aliases/live", `{"FunctionVersion":"$LATEST"}`, 400, unpublished},
	})
	b.accept("fn", "2", 1)
	already := "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
	b.follow([]step{
		{"PUT", functions + "/fn/aliases/live", `{"FunctionVersion":"2"}`, 409, already},
		{"DELETE", provisioned("fn", "live"), "", 204, ""},
	})
	if r := b.do("PUT", functions+"/fn/aliases/live", `{"FunctionVersion":"2"}`); r.Code != 200 {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	b.follow([]step{{"PUT", provisioned("fn", "live"), executions(1), 409, already}})
}

// publishAnother gives a function a version 2.
func (b *bench) publishAnother(name string) {
	b.t.Helper()
	b.edit(name, func(fn *lambda.Function) {
		v := fn.Published[0]
		v.Version, v.RevisionID = "2", newRevision()
		fn.Published = append(fn.Published, v)
	})
}

// An alias of two versions gets none; one that has it shares it by the weights.
func TestProvisionedOnWeightedAlias(t *testing.T) {
	b := newBench(t)
	b.withAlias()
	b.publishAnother("fn")
	weights := `{"RoutingConfig":{"AdditionalVersionWeights":{"2":0.25}}}`
	b.do("PUT", functions+"/fn/aliases/live", weights)
	b.follow([]step{{"PUT", provisioned("fn", "live"), executions(4), 400, "Invalid alias configuration for Provisioned Concurrency"}})
	b.do("PUT", functions+"/fn/aliases/live", `{"RoutingConfig":{}}`)
	b.accept("fn", "live", 4)
	b.do("PUT", functions+"/fn/aliases/live", weights)
	fn := b.memory.directory[id("fn")]
	got := map[string]int{}
	for _, p := range fn.Provisions() {
		got[p.Version] = p.Executions
	}
	if got["1"] != 3 || got["2"] != 1 {
		t.Errorf("the versions have %v", got)
	}
}

// What is provisioned counts within the function's reservation, or else in what the
// account's functions share.
func TestProvisionedAndReserved(t *testing.T) {
	b := newBench(t)
	b.withAlias()
	b.create(map[string]any{"FunctionName": "other"})
	b.accept("fn", "1", 900)
	b.follow([]step{
		{"PUT", setConcurrency("other"), `{"ReservedConcurrentExecutions":1}`, 400, belowMinimum},
		{"PUT", provisioned("fn", "1"), executions(901), 400, belowShared},
	})
	b.accept("fn", "1", 400)
	b.follow([]step{
		{"PUT", setConcurrency("other"), `{"ReservedConcurrentExecutions":500}`, 200, `{"ReservedConcurrentExecutions":500}`},
		{"PUT", setConcurrency("fn"), `{"ReservedConcurrentExecutions":399}`, 400, " ReservedConcurrentExecutions  399 should not be lower than function's total provisioned concurrency [400]."},
		{"PUT", setConcurrency("fn"), `{"ReservedConcurrentExecutions":400}`, 200, `{"ReservedConcurrentExecutions":400}`},
		{"PUT", provisioned("fn", "1"), executions(401), 400, aboveReserve},
	})
	r := b.do("GET", "/2016-08-19/account-settings/", "")
	if limits, _ := r.fields["AccountLimit"].(map[string]any); limits["UnreservedConcurrentExecutions"] != 100.0 {
		t.Errorf("%s", r.Body)
	}
}

func TestProvisionedTogether(t *testing.T) {
	b := newBench(t)
	var all sync.WaitGroup
	taken := make(chan int, 20)
	for i := range 20 {
		name := fmt.Sprint("f", i)
		b.create(map[string]any{"FunctionName": name, "Publish": true})
		all.Go(func() {
			if b.do("PUT", provisioned(name, "1"), executions(100)).Code == http.StatusAccepted {
				taken <- i
			}
		})
	}
	all.Wait()
	if len(taken) != 9 {
		t.Errorf("%d configurations of 100, want 9", len(taken))
	}
}

func TestProvisionedList(t *testing.T) {
	b := newBench(t)
	b.withAlias()
	b.publishAnother("fn")
	b.accept("fn", "live", 2)
	b.accept("fn", "2", 1)
	list := "/2019-09-30/functions/fn/provisioned-concurrency?List=ALL&MaxItems=1"
	var seen []string
	for marker := ""; ; {
		r := b.do("GET", list+"&Marker="+marker, "")
		items, _ := r.fields["ProvisionedConcurrencyConfigs"].([]any)
		for _, item := range items {
			arn, _ := item.(map[string]any)["FunctionArn"].(string)
			seen = append(seen, strings.TrimPrefix(arn, account))
		}
		if marker, _ = r.fields["NextMarker"].(string); marker == "" || len(seen) > 2 {
			break
		}
	}
	if fmt.Sprint(seen) != "[fn:2 fn:live]" {
		t.Errorf("listed %v", seen)
	}
	b.follow([]step{
		{"GET", "/2019-09-30/functions/gone/provisioned-concurrency?List=ALL", "", 404, "Function not found: " + account + "gone"},
		{"GET", "/2019-09-30/functions/fn:1/provisioned-concurrency?List=ALL", "", 400, wholes},
	})
}

// What is deleted leaves no configuration behind.
func TestProvisionedIsDetached(t *testing.T) {
	b := newBench(t)
	b.withAlias()
	b.accept("fn", "live", 2)
	b.do("DELETE", functions+"/fn/aliases/live", "")
	b.accept("fn", "1", 1)
	b.do("DELETE", functions+"/fn?Qualifier=1", "")
	if left := b.memory.functions[id("fn")].Provisioned; left != nil {
		t.Errorf("left: %v", left)
	}
}
