package sdk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// inForce is the isolation that a function ran in just now; what GetFunction shows must be the
// same.
func inForce(t *testing.T, client *lambda.Client, name string) string {
	t.Helper()
	ran := headersOf(t, invoke(t, client, name, `1`)).Get("X-Lambent-Isolation")
	if shown := getFunction(t, client, name).Tags["aws:lambent:isolation"]; shown != ran {
		t.Errorf("%s ran in %q, and GetFunction shows %q", name, ran, shown)
	}
	return ran
}

// crew invokes functions all the time: none of it may fail.
type crew struct {
	t      *testing.T
	client *lambda.Client
	over   atomic.Bool
	asked  atomic.Int64
	all    sync.WaitGroup
}

func underLoad(t *testing.T, client *lambda.Client, callers int, names ...string) *crew {
	l := &crew{t: t, client: client}
	t.Cleanup(l.end) // also when the test ends early
	for _, name := range names {
		for range callers {
			l.all.Go(func() { l.ask(name) })
		}
	}
	return l
}

func (l *crew) ask(name string) {
	for !l.over.Load() && !l.t.Failed() {
		out, err := l.client.Invoke(l.t.Context(), &lambda.InvokeInput{FunctionName: &name, Payload: []byte(`1`)})
		if err != nil || out.FunctionError != nil || string(out.Payload) != "1" {
			l.t.Errorf("invocation %d, of %s: %v, %+v", l.asked.Load(), name, err, out)
		}
		l.asked.Add(1)
	}
}

// goOn waits until so many more have been answered.
func (l *crew) goOn(n int64) {
	l.t.Helper()
	until := l.asked.Load() + n
	awaitUntil(l.t, "more answers", time.Minute, func() bool { return l.asked.Load() >= until || l.t.Failed() })
}

func (l *crew) end() {
	l.over.Store(true)
	l.all.Wait()
}

// tour goes from every tier to every other.
func tour(tiers []string) (way []string) {
	for i, from := range tiers {
		for _, to := range tiers[i+1:] {
			way = append(way, from, to)
		}
	}
	return append(way, tiers[0])
}

func TestTourGoesEveryWay(t *testing.T) {
	way := strings.Join(tour([]string{"a", "b", "c"}), "")
	for _, pair := range []string{"ab", "ba", "ac", "bc", "cb"} {
		if !strings.Contains(way, pair) {
			t.Errorf("%s has no %s", way, pair)
		}
	}
}

// movable are the isolations that a function under load is moved between: guests among them in make soak,
// as an emulated one takes seconds to start.
func movable(t *testing.T) []string {
	t.Helper()
	if os.Getenv("SOAK_GUESTS") == "" {
		return append([]string{"process"}, tiers(t)...)
	}
	return append([]string{"process"}, riotTiers(t)...)
}

// Changing the isolation of functions that are used fails no request, whether their instances
// take one at a time or several, and what answers after the change is where it should be.
func TestIsolationChangesUnderLoad(t *testing.T) {
	all := movable(t)
	t.Setenv("LAMBENT_ALLOW_PROCESS", "true")
	client := up(t, t.TempDir()).client()
	arns := map[string]*string{}
	for name, requests := range map[string]string{"one": "1", "several": "4"} {
		in := creation(t, name, "app.py", "app.echo")
		in.Tags, in.Timeout = map[string]string{isolationTag: "light", "lambent:concurrency": requests}, aws.Int32(60)
		arns[name] = deploy(t, client, in).FunctionArn
	}
	l := underLoad(t, client, 3, "one", "several")
	changes := 0
	for _, tier := range tour(all) {
		for name, arn := range arns {
			if err := tag(t, client, arn, map[string]string{isolationTag: tier}); err != nil {
				t.Fatal(err)
			}
			if got := inForce(t, client, name); got != tier {
				t.Errorf("after its change to %s, %s ran in %q", tier, name, got)
			}
			changes++
		}
		l.goOn(30)
	}
	l.end()
	t.Logf("%d invocations during %d changes", l.asked.Load(), changes)
}

// A capacity provider is a set of settings for all functions under it. Changing it fails no
// request, and a function's own tag makes nothing weaker.
func TestCapacityProviderUnderLoad(t *testing.T) {
	isolating := tiers(t)
	t.Setenv("LAMBENT_ALLOW_PROCESS", "true")
	t.Setenv("LAMBENT_ISOLATION", "process")
	d := up(t, t.TempDir())
	client := d.client()
	arn := provide(t, client, "web", map[string]string{isolationTag: "process"})
	for _, name := range []string{"one", "two"} {
		deploy(t, client, under(creation(t, name, "app.py", "app.echo"), arn))
	}
	l := underLoad(t, client, 3, "one", "two")
	for _, tier := range tour(append([]string{"process"}, isolating...)) {
		if err := tag(t, client, arn, map[string]string{isolationTag: tier}); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"one", "two"} {
			if got := inForce(t, client, name); got != tier {
				t.Errorf("under a provider with %s, %s ran in %q", tier, name, got)
			}
		}
		l.goOn(30)
	}
	l.end()
	t.Logf("%d invocations", l.asked.Load())

	strongest := isolating[len(isolating)-1]
	if err := tag(t, client, arn, map[string]string{isolationTag: strongest}); err != nil {
		t.Fatal(err)
	}
	if err := tag(t, client, getFunction(t, client, "one").Configuration.FunctionArn, map[string]string{isolationTag: "process"}); err != nil {
		t.Fatal(err)
	}
	d.stop()
	client = up(t, d.Data).client()
	if got := inForce(t, client, "one"); got != strongest {
		t.Errorf("with a weaker tag of its own, and after a restart, it ran in %q", got)
	}
}

func provide(t *testing.T, client *lambda.Client, name string, tags map[string]string) *string {
	t.Helper()
	out, err := client.CreateCapacityProvider(t.Context(), &lambda.CreateCapacityProviderInput{
		CapacityProviderName: &name, Tags: tags,
		VpcConfig:         &types.CapacityProviderVpcConfig{SubnetIds: []string{"subnet-1"}, SecurityGroupIds: []string{}},
		PermissionsConfig: &types.CapacityProviderPermissionsConfig{CapacityProviderOperatorRoleArn: aws.String("arn:aws:iam::000000000000:role/operator")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.CapacityProvider.CapacityProviderArn
}

func under(in *lambda.CreateFunctionInput, arn *string) *lambda.CreateFunctionInput {
	in.CapacityProviderConfig = &types.CapacityProviderConfig{
		LambdaManagedInstancesCapacityProviderConfig: &types.LambdaManagedInstancesCapacityProviderConfig{CapacityProviderArn: arn},
	}
	return in
}

// What the SDK reads of capacity providers is what it wrote.
func TestCapacityProviders(t *testing.T) {
	t.Parallel()
	needs(t)
	client := up(t, t.TempDir()).client()
	arn := provide(t, client, "web", map[string]string{"lambent:concurrency": "3", "team": "shop"})
	in := under(creation(t, "fn", "app.py", "app.echo"), arn)
	in.CapacityProviderConfig.LambdaManagedInstancesCapacityProviderConfig.PerExecutionEnvironmentMaxConcurrency = aws.Int32(8)
	in.Publish = true
	deploy(t, client, in)
	answers(t, client, "fn", `1`, `1`)

	got, err := client.GetCapacityProvider(t.Context(), &lambda.GetCapacityProviderInput{CapacityProviderName: aws.String("web")})
	if err != nil || got.CapacityProvider.State != types.CapacityProviderStateActive || aws.ToString(got.CapacityProvider.CapacityProviderArn) != *arn {
		t.Errorf("%+v, %v", got, err)
	}
	versions, err := client.ListFunctionVersionsByCapacityProvider(t.Context(), &lambda.ListFunctionVersionsByCapacityProviderInput{CapacityProviderName: arn})
	if err != nil || len(versions.FunctionVersions) != 2 {
		t.Errorf("%+v, %v", versions, err)
	}
	if _, err := client.UpdateCapacityProvider(t.Context(), &lambda.UpdateCapacityProviderInput{
		CapacityProviderName:          aws.String("web"),
		CapacityProviderScalingConfig: &types.CapacityProviderScalingConfig{MaxVCpuCount: aws.Int32(400), ScalingMode: types.CapacityProviderScalingModeAuto},
	}); err != nil {
		t.Error(err)
	}
	list, err := client.ListCapacityProviders(t.Context(), &lambda.ListCapacityProvidersInput{})
	if err != nil || len(list.CapacityProviders) != 1 || aws.ToInt32(list.CapacityProviders[0].CapacityProviderScalingConfig.MaxVCpuCount) != 400 {
		t.Errorf("%+v, %v", list, err)
	}
	var conflict *types.ResourceConflictException
	if _, err := client.DeleteCapacityProvider(t.Context(), &lambda.DeleteCapacityProviderInput{CapacityProviderName: arn}); !errors.As(err, &conflict) {
		t.Errorf("deleting one that is used: %v", err)
	}
}

// Changing the account's default while requests come fails none: the new server takes the old
// one's place.
func TestDefaultIsolationChangesUnderLoad(t *testing.T) {
	isolating := tiers(t)
	t.Setenv("LAMBENT_ALLOW_PROCESS", "true")
	t.Setenv("LAMBENT_ISOLATION", "process")
	d := up(t, t.TempDir())
	client := d.client()
	deploy(t, client, creation(t, "fn", "app.py", "app.echo"))
	l := underLoad(t, client, 3, "fn")
	for _, tier := range slices.Concat(isolating, []string{"process"}) {
		t.Setenv("LAMBENT_ISOLATION", tier)
		next := upgrade(t, d)
		if got := inForce(t, client, "fn"); got != tier {
			t.Errorf("after the change to %s it ran in %q", tier, got)
		}
		l.goOn(30)
		d.awaitEnd(time.Minute)
		d = next
	}
	l.end()
	t.Logf("%d invocations", l.asked.Load())
}

// Nothing is weaker than the floor: not when it is created, not when it is tagged, and not when
// the floor is raised over it. Nothing is replaced either.
func TestIsolationFloor(t *testing.T) {
	isolating := tiers(t)
	t.Setenv("LAMBENT_ALLOW_PROCESS", "true")
	d := up(t, t.TempDir())
	client := d.client()
	tagged := creation(t, "tagged", "app.py", "app.echo")
	tagged.Tags = map[string]string{isolationTag: "process"}
	arn := deploy(t, client, tagged).FunctionArn
	deploy(t, client, creation(t, "plain", "app.py", "app.echo"))
	answers(t, client, "tagged", `1`, `1`)
	d.stop()

	floor := isolating[len(isolating)-1]
	t.Setenv("LAMBENT_ISOLATION", floor)
	t.Setenv("LAMBENT_ISOLATION_FLOOR", floor)
	client = up(t, d.Data).client()
	want := fmt.Sprintf("the isolation process is below this account's floor: use %s or a stronger one", floor)
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("tagged"), Payload: []byte(`1`)})
	refused("invoking what was there before", err)
	_, err = client.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("tagged"), Timeout: aws.Int32(5)})
	refused("updating it", err)
	again := creation(t, "again", "app.py", "app.echo")
	again.Tags = map[string]string{isolationTag: "process"}
	_, err = client.CreateFunction(t.Context(), again)
	refused("creating one", err)
	refused("tagging one", tag(t, client, getFunction(t, client, "plain").Configuration.FunctionArn, map[string]string{isolationTag: "process"}))
	if got := inForce(t, client, "plain"); got != floor {
		t.Errorf("without a tag it ran in %q", got)
	}
	untag(t, client, arn, isolationTag)
	if got := inForce(t, client, "tagged"); got != floor {
		t.Errorf("without its tag it ran in %q", got)
	}
}

func TestUntrustedCode(t *testing.T) {
	isolating := tiers(t)
	strongest := isolating[len(isolating)-1]
	t.Setenv("LAMBENT_ALLOW_PROCESS", "true")
	t.Setenv("LAMBENT_ISOLATION", "process")
	t.Setenv("LAMBENT_UNTRUSTED_ISOLATION", strongest)
	client := up(t, t.TempDir()).client()
	in := creation(t, "foreign", "app.py", "app.echo")
	in.Tags = map[string]string{"lambent:untrusted": "true"}
	arn := deploy(t, client, in).FunctionArn
	if got := inForce(t, client, "foreign"); got != strongest {
		t.Errorf("ran in %q", got)
	}
	var invalid *types.InvalidParameterValueException
	if err := tag(t, client, arn, map[string]string{isolationTag: "process"}); !errors.As(err, &invalid) {
		t.Errorf("made weaker: %v", err)
	}
	if err := tag(t, client, arn, map[string]string{"lambent:untrusted": "false"}); err != nil {
		t.Error(err)
	}
	if got := inForce(t, client, "foreign"); got != "process" {
		t.Errorf("once it is trusted it ran in %q", got)
	}
}

// A tier that the host has lost is an error that says what is missing, and nothing weaker.
func TestLostIsolationIsRefused(t *testing.T) {
	needsGVisor(t)
	own := t.TempDir()
	for _, name := range []string{"lambent", "lambent-init", "lambent-agent", "runsc"} {
		program, err := os.ReadFile(filepath.Join(binaries, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(own, name), program, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	open(t, own)
	t.Setenv("LAMBENT_STEMS_CEILING", "0") // none waits that was made before
	t.Setenv("LAMBENT_STEMS_FLOOR", "0")
	t.Setenv("LAMBENT_BOXES_CEILING", "0")
	t.Setenv("LAMBENT_BOXES_FLOOR", "0")
	client := upFrom(t, own, t.TempDir()).client()
	deploy(t, client, inGVisor(creation(t, "fn", "app.py", "app.echo")))
	deploy(t, client, inGVisor(creation(t, "fresh", "app.py", "app.echo")))
	answers(t, client, "fn", `1`, `1`)
	if err := os.Remove(filepath.Join(own, "runsc")); err != nil {
		t.Fatal(err)
	}
	awaitUntil(t, "the loss to be told to who invokes", time.Minute, func() bool {
		_, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("fresh"), Payload: []byte(`1`)})
		if err == nil {
			t.Fatal("it ran")
		}
		return strings.Contains(err.Error(), "This host does not offer the isolation gvisor any more: ") && strings.Contains(err.Error(), "lambent setup gvisor")
	})
	_, err := client.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("fn"), Timeout: aws.Int32(7)})
	if err == nil || !strings.Contains(err.Error(), "lambent setup gvisor") {
		t.Errorf("updating one: %v", err)
	}
}
