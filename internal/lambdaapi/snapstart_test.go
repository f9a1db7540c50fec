package lambdaapi

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

func applyOn(value string) map[string]any {
	return map[string]any{"SnapStart": map[string]any{"ApplyOn": value}}
}

// snapStart is what an answer says of it.
func (r reply) snapStart() string {
	s, _ := r.fields["SnapStart"].(map[string]any)
	return fmt.Sprint(s["ApplyOn"], " ", s["OptimizationStatus"], " ", r.fields["State"])
}

func (b *bench) shown(qualifier string) reply {
	b.t.Helper()
	return b.do("GET", functions+"/thumbnail:"+qualifier+"/configuration", "")
}

// leaves waits until a version has left Pending.
func (b *bench) leaves(qualifier string) reply {
	b.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if r := b.shown(qualifier); r.fields["State"] != "Pending" {
			return r
		}
	}
	b.t.Fatalf("version %s is still Pending", qualifier)
	return reply{}
}

func TestSnapStartStates(t *testing.T) {
	b := newBench(t)
	b.run()
	b.create(nil)
	b.settled()
	if r := b.updated(applyOn("PublishedVersions")); r.snapStart() != "PublishedVersions Off Active" {
		t.Errorf("$LATEST: %s", r.snapStart())
	}
	if r := b.published(nil); r.snapStart() != "PublishedVersions Off Pending" || r.fields["StateReasonCode"] != "Creating" {
		t.Errorf("published: %s", r.Body)
	}
	if r := b.leaves("1"); r.snapStart() != "PublishedVersions On Active" {
		t.Errorf("version 1: %s", r.Body)
	}
	if r := b.published(nil); r.fields["Version"] != "1" {
		t.Errorf("an unchanged function was published again as %v", r.fields["Version"])
	}
	b.updated(applyOn("None"))
	if r := b.published(nil); r.snapStart() != "None Off Active" || r.fields["Version"] != "2" {
		t.Errorf("version 2: %s", r.Body)
	}
}

func TestSnapStartOutcomes(t *testing.T) {
	tests := []struct {
		err   error
		state string
		code  string
	}{
		{fmt.Errorf("starting: %w", &lambda.InitFailure{Type: "Runtime.ImportModuleError"}), "Failed", "FunctionError.RuntimeInitError"},
		{&lambda.InitFailure{Type: "Sandbox.Timedout"}, "Failed", "FunctionError.InitTimeout"},
		{&lambda.InitFailure{Type: "Runtime.OutOfMemory"}, "Failed", "FunctionError.InitResourceExhausted"},
		{&lambda.InitFailure{Type: "Runtime.InvalidEntrypoint"}, "Failed", "FunctionError.InvalidEntryPoint"},
		{lambda.NewError(lambda.ErrService, "too large"), "Failed", "InternalError"},
	}
	for _, test := range tests {
		t.Run(test.err.Error(), func(t *testing.T) {
			b := newBench(t)
			b.host.init = test.err
			b.run()
			b.create(applyOn("PublishedVersions"))
			b.settled()
			b.published(nil)
			r := b.leaves("1")
			if r.fields["State"] != test.state || r.fields["StateReasonCode"] != test.code || r.fields["StateReason"] == "" {
				t.Errorf("%s", r.Body)
			}
		})
	}
}

// What the platform could not do is tried again, and a process that ended before leaves it
// to the next.
func TestSnapStartIsTriedAgain(t *testing.T) {
	b := newBench(t)
	b.snapshots.pause = time.Millisecond
	b.host.init = errors.New("no sandbox")
	b.create(applyOn("PublishedVersions"))
	b.run()
	b.settled()
	b.published(nil)
	time.Sleep(20 * time.Millisecond)
	if r := b.shown("1"); r.fields["State"] != "Pending" {
		t.Errorf("%s", r.Body)
	}
	b.host.mu.Lock()
	b.host.init = nil
	b.host.mu.Unlock()
	if r := b.leaves("1"); r.snapStart() != "PublishedVersions On Active" {
		t.Errorf("%s", r.Body)
	}
}

func TestSnapStartRefusals(t *testing.T) {
	b := newBench(t)
	b.run()
	b.create(applyOn("PublishedVersions"))
	b.settled()
	b.published(nil)
	b.leaves("1")
	if r := b.do("POST", functions+"/thumbnail/aliases", `{"Name":"live","FunctionVersion":"1"}`); r.Code != http.StatusCreated {
		t.Fatal(r.Body)
	}
	const large = "SnapStart is not supported with an EphemeralStorage of more than 512 MB."
	const shared = "SnapStart is not supported for functions with lambent:concurrency above 1."
	b.follow([]step{
		{"PUT", provisioned("thumbnail", "1"), executions(1), http.StatusBadRequest, "Provisioned Concurrency is not supported for SnapStart enabled functions."},
		{"PUT", functions + "/thumbnail/configuration", `{"EphemeralStorage":{"Size":513}}`, http.StatusBadRequest, large},
		{"PUT", functions + "/thumbnail/configuration", `{"Runtime":"nodejs22.x"}`, http.StatusBadRequest, "nodejs22.x is not supported for SnapStart enabled functions."},
		{"POST", "/2017-03-31/tags/" + thumbnailARN, `{"Tags":{"lambent:concurrency":"2"}}`, http.StatusBadRequest, shared},
		{"PUT", provisioned("thumbnail", "live"), executions(1), http.StatusBadRequest, "Provisioned Concurrency is not supported for SnapStart enabled functions."},
	})
}
