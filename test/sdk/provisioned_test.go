package sdk

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// provisions is a client with a function whose versions are published.
type provisions struct {
	*testing.T
	client *lambda.Client
	url    string
	name   string
}

func provisioned(t *testing.T, d *daemon) *provisions {
	t.Helper()
	p := &provisions{T: t, client: d.client(), url: "http://" + d.Listen, name: "ahead"}
	deploy(t, p.client, creation(t, p.name, "ahead.py", "ahead.handler"))
	return p
}

func (p *provisions) publish() string {
	p.Helper()
	out, err := p.client.PublishVersion(p.Context(), &lambda.PublishVersionInput{FunctionName: &p.name})
	if err != nil {
		p.Fatal(err)
	}
	return aws.ToString(out.Version)
}

// change makes $LATEST another one, so that it can be published again.
func (p *provisions) change(memory int32, handler string) {
	p.Helper()
	_, err := p.client.UpdateFunctionConfiguration(p.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: &p.name, MemorySize: &memory, Handler: &handler})
	if err != nil {
		p.Fatal(err)
	}
	waiter := lambda.NewFunctionUpdatedV2Waiter(p.client, func(o *lambda.FunctionUpdatedV2WaiterOptions) { o.MinDelay = 10 * time.Millisecond })
	if err := waiter.Wait(p.Context(), &lambda.GetFunctionInput{FunctionName: &p.name}, time.Minute); err != nil {
		p.Fatal(err)
	}
}

func (p *provisions) put(qualifier string, n int32) *lambda.PutProvisionedConcurrencyConfigOutput {
	p.Helper()
	out, err := p.client.PutProvisionedConcurrencyConfig(p.Context(),
		&lambda.PutProvisionedConcurrencyConfigInput{FunctionName: &p.name, Qualifier: &qualifier, ProvisionedConcurrentExecutions: &n})
	if err != nil {
		p.Fatal(err)
	}
	return out
}

func (p *provisions) get(qualifier string) *lambda.GetProvisionedConcurrencyConfigOutput {
	p.Helper()
	out, err := p.client.GetProvisionedConcurrencyConfig(p.Context(), &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: &p.name, Qualifier: &qualifier})
	if err != nil {
		p.Fatal(err)
	}
	return out
}

// await returns the state of a configuration once it has the status.
func (p *provisions) await(qualifier string, status types.ProvisionedConcurrencyStatusEnum) *lambda.GetProvisionedConcurrencyConfigOutput {
	p.Helper()
	var out *lambda.GetProvisionedConcurrencyConfigOutput
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if out = p.get(qualifier); out.Status == status {
			return out
		}
	}
	p.Fatalf("%s is %s (%s), want %s", qualifier, out.Status, aws.ToString(out.StatusReason), status)
	return nil
}

// counts fails unless the configuration shows these three figures.
func (p *provisions) counts(qualifier string, requested, allocated, available int32) {
	p.Helper()
	out := p.get(qualifier)
	got := [3]int32{aws.ToInt32(out.RequestedProvisionedConcurrentExecutions), aws.ToInt32(out.AllocatedProvisionedConcurrentExecutions), aws.ToInt32(out.AvailableProvisionedConcurrentExecutions)}
	if want := [3]int32{requested, allocated, available}; got != want {
		p.Errorf("%s has requested, allocated, available %v, want %v (%s)", qualifier, got, want, out.Status)
	}
}

// told is what the function says of its environment, and how the request got it.
type told struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	PID  int    `json:"pid"`

	start, why string
}

func (p *provisions) invoke(qualifier, event string) told {
	p.Helper()
	answer, err := http.Post(p.url+"/2015-03-31/functions/"+p.name+"/invocations?Qualifier="+qualifier, "application/json", strings.NewReader(event))
	if err != nil {
		p.Fatal(err)
	}
	defer answer.Body.Close()
	said := told{start: answer.Header.Get("X-Lambent-Start"), why: answer.Header.Get("X-Lambent-Why")}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		p.Error(err)
	}
	return said
}

// Instances are there before the first request, say so inside and on the receipt, and
// what they cannot take goes on demand.
func TestProvisionedConcurrency(t *testing.T) {
	needs(t)
	d := up(t, t.TempDir())
	p := provisioned(t, d)
	version := p.publish()
	put := p.put(version, 2)
	if put.Status != types.ProvisionedConcurrencyStatusEnumInProgress || aws.ToInt32(put.RequestedProvisionedConcurrentExecutions) != 2 || aws.ToString(put.LastModified) == "" {
		t.Errorf("put answered %+v", put)
	}
	p.await(version, types.ProvisionedConcurrencyStatusEnumReady)
	p.counts(version, 2, 2, 2)
	for range 5 {
		if said := p.invoke(version, `{}`); said.start != "provisioned" || said.Type != "provisioned-concurrency" || said.why != "" {
			t.Errorf("%+v", said)
		}
	}
	p.spillOver(version)
	// $LATEST is another function to it.
	if said := p.invoke("$LATEST", `{}`); said.start == "provisioned" || said.Type != "on-demand" {
		t.Errorf("$LATEST: %+v", said)
	}
}

// spillOver sends three requests at once to two provisioned instances.
func (p *provisions) spillOver(version string) {
	p.Helper()
	var all sync.WaitGroup
	got := make(chan told, 3)
	for range 3 {
		all.Go(func() { got <- p.invoke(version, `{"sleep":2}`) })
	}
	awaitUntil(p.T, "both provisioned instances to be busy", 20*time.Second, func() bool { return p.available(version) == 0 })
	p.counts(version, 2, 2, 0)
	all.Wait()
	close(got)
	starts := map[string]int{}
	for said := range got {
		starts[said.Type]++
		if said.Type == "on-demand" && (said.start == "provisioned" || said.why != "all 2 provisioned instances are busy") {
			p.Errorf("spilt over: %+v", said)
		}
	}
	if starts["provisioned-concurrency"] != 2 || starts["on-demand"] != 1 {
		p.Errorf("served by %v", starts)
	}
	p.counts(version, 2, 2, 2)
}

// available is how many provisioned instances wait for a request.
func (p *provisions) available(version string) int32 {
	p.Helper()
	out, err := p.client.GetProvisionedConcurrencyConfig(p.Context(), &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: &p.name, Qualifier: &version})
	if err != nil {
		p.Fatal(err)
	}
	return aws.ToInt32(out.AvailableProvisionedConcurrentExecutions)
}

// The keep-alive of instances on demand does not touch provisioned ones; nor does a
// request that needs memory.
func TestProvisionedInstancesStay(t *testing.T) {
	needs(t)
	data := t.TempDir()
	d := upWith(t, data, "LAMBENT_KEEP_ALIVE=100ms", "LAMBENT_FREEZE_AFTER=0s", "LAMBENT_MEMORY_BUDGET=384")
	p := provisioned(t, d)
	version := p.publish()
	p.put(version, 2)
	p.await(version, types.ProvisionedConcurrencyStatusEnumReady)
	seen := map[string]bool{}
	for range 3 {
		seen[p.invoke(version, `{}`).ID] = true
		time.Sleep(200 * time.Millisecond)
		p.invoke("$LATEST", `{}`) // 128 MB: all that is left
	}
	if len(seen) > 2 {
		t.Errorf("%d instances served where 2 were provisioned", len(seen))
	}
	// 2 × 128 of 384 MB are set aside: two more are too many, and the answer says so.
	p.put(version, 4)
	failed := p.await(version, types.ProvisionedConcurrencyStatusEnumFailed)
	if reason := aws.ToString(failed.StatusReason); !strings.Contains(reason, "384 MB") {
		t.Errorf("the reason is %q", reason)
	}
	p.counts(version, 4, 2, 2)
	if said := p.invoke(version, `{}`); said.start != "provisioned" {
		t.Errorf("%+v", said)
	}
	p.put(version, 3)
	p.await(version, types.ProvisionedConcurrencyStatusEnumReady)
	p.counts(version, 3, 3, 3)
}

// An instance that dies or times out is replaced ahead of the next request.
func TestProvisionedInstanceIsReplaced(t *testing.T) {
	needs(t)
	p := provisioned(t, up(t, t.TempDir()))
	version := p.publish()
	p.put(version, 1)
	p.await(version, types.ProvisionedConcurrencyStatusEnumReady)
	before := p.invoke(version, `{}`)
	if _, err := p.client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &p.name, Qualifier: &version, Payload: []byte(`{"exit":3}`)}); err != nil {
		t.Fatal(err)
	}
	p.await(version, types.ProvisionedConcurrencyStatusEnumReady)
	if said := p.invoke(version, `{}`); said.start != "provisioned" || said.ID == before.ID {
		t.Errorf("%+v after %+v", said, before)
	}
	p.counts(version, 1, 1, 1)
}

// The configuration outlives kill -9; the instances are there again without a request.
func TestProvisionedOutlivesKill(t *testing.T) {
	needs(t)
	data := t.TempDir()
	check := watchHost(t, data, binaries)
	first := up(t, data)
	p := provisioned(t, first)
	version := p.publish()
	modified := aws.ToString(p.put(version, 2).LastModified)
	p.await(version, types.ProvisionedConcurrencyStatusEnumReady)
	first.kill()

	second := up(t, data)
	p.client, p.url = second.client(), "http://"+second.Listen
	ready := p.await(version, types.ProvisionedConcurrencyStatusEnumReady)
	if aws.ToString(ready.LastModified) != modified || aws.ToInt32(ready.RequestedProvisionedConcurrentExecutions) != 2 {
		t.Errorf("%+v, modified %s", ready, modified)
	}
	if said := p.invoke(version, `{}`); said.start != "provisioned" {
		t.Errorf("%+v", said)
	}
	second.stop()
	check()
}

// What an alias has moves with it, and a deletion gives all back.
func TestProvisionedMovesWithAlias(t *testing.T) {
	needs(t)
	d := up(t, t.TempDir())
	p := provisioned(t, d)
	one := p.publish()
	p.change(256, "ahead.handler")
	two := p.publish()
	live := "live"
	if _, err := p.client.CreateAlias(t.Context(), &lambda.CreateAliasInput{FunctionName: &p.name, Name: &live, FunctionVersion: &one}); err != nil {
		t.Fatal(err)
	}
	p.put(live, 2)
	p.await(live, types.ProvisionedConcurrencyStatusEnumReady)
	p.conflicts(one)
	if _, err := p.client.UpdateAlias(t.Context(), &lambda.UpdateAliasInput{FunctionName: &p.name, Name: &live, FunctionVersion: &two}); err != nil {
		t.Fatal(err)
	}
	p.await(live, types.ProvisionedConcurrencyStatusEnumReady)
	p.counts(live, 2, 2, 2)
	if said := p.invoke(live, `{}`); said.start != "provisioned" {
		t.Errorf("%+v", said)
	}
	if said := p.invoke(one, `{}`); said.start == "provisioned" {
		t.Errorf("the version that the alias left still has %+v", said)
	}
	p.listed(live)
	if _, err := p.client.DeleteProvisionedConcurrencyConfig(t.Context(), &lambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: &p.name, Qualifier: &live}); err != nil {
		t.Fatal(err)
	}
	var missing *types.ProvisionedConcurrencyConfigNotFoundException
	_, err := p.client.GetProvisionedConcurrencyConfig(t.Context(), &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: &p.name, Qualifier: &live})
	if !errors.As(err, &missing) {
		t.Errorf("after the deletion: %v", err)
	}
	awaitGauge(t, d, "lambent_provisioned_instances", 0)
}

// conflicts fails unless the version of an alias that has provisioned concurrency is
// refused its own.
func (p *provisions) conflicts(version string) {
	p.Helper()
	_, err := p.client.PutProvisionedConcurrencyConfig(p.Context(),
		&lambda.PutProvisionedConcurrencyConfigInput{FunctionName: &p.name, Qualifier: &version, ProvisionedConcurrentExecutions: aws.Int32(1)})
	var conflict *types.ResourceConflictException
	if !errors.As(err, &conflict) {
		p.Errorf("both an alias and its version: %v", err)
	}
}

func (p *provisions) listed(qualifier string) {
	p.Helper()
	out, err := p.client.ListProvisionedConcurrencyConfigs(p.Context(), &lambda.ListProvisionedConcurrencyConfigsInput{FunctionName: &p.name})
	if err != nil {
		p.Fatal(err)
	}
	if len(out.ProvisionedConcurrencyConfigs) != 1 || !strings.HasSuffix(aws.ToString(out.ProvisionedConcurrencyConfigs[0].FunctionArn), p.name+":"+qualifier) {
		p.Errorf("listed %+v", out.ProvisionedConcurrencyConfigs)
	}
}

// A function whose initialisation fails says so, and is tried again.
func TestProvisionedInitFailure(t *testing.T) {
	needs(t)
	p := provisioned(t, up(t, t.TempDir()))
	p.change(256, "ahead.missing")
	version := p.publish()
	p.put(version, 1)
	failed := p.await(version, types.ProvisionedConcurrencyStatusEnumFailed)
	if aws.ToString(failed.StatusReason) != "FUNCTION_ERROR_INIT_FAILURE" {
		t.Errorf("%+v", failed)
	}
	p.counts(version, 1, 0, 0)
}

// awaitGauge waits until a metric without labels has a value.
func awaitGauge(t *testing.T, d *daemon, name string, want float64) {
	t.Helper()
	var got float64
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got = gauge(t, d, name); got == want {
			return
		}
	}
	t.Errorf("%s is %v, want %v", name, got, want)
}

func gauge(t *testing.T, d *daemon, name string) float64 {
	t.Helper()
	answer, err := http.Get("http://" + d.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}
