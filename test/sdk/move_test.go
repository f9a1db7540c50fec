package sdk

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// command runs the lambent program against a daemon and returns what it printed.
func (d *daemon) command(args ...string) string {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), filepath.Join(binaries, "lambent"), args...)
	cmd.Env = append(os.Environ(), "LAMBENT_ENDPOINT=http://"+d.Listen)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		d.t.Fatalf("lambent %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return string(out)
}

// portrait is all that Lambda says of a function, without what the place and the time give.
type portrait struct {
	Versions []types.FunctionConfiguration
	Codes    map[string]string // SHA-256 by version, of code and layers
	Aliases  []types.AliasConfiguration
	Tags     map[string]string
	Reserved *int32
	Events   []types.FunctionEventInvokeConfig
	Policies map[string]string // by qualifier, JSON
}

// same compares line by line.
func (p *portrait) same(t *testing.T, after string, now portrait) {
	t.Helper()
	was, err := json.MarshalIndent(p, "", " ")
	is, err1 := json.MarshalIndent(now, "", " ")
	if err != nil || err1 != nil {
		t.Fatal(err, err1)
	}
	wanted, got := strings.Split(string(was), "\n"), strings.Split(string(is), "\n")
	for i, line := range wanted {
		if i >= len(got) || got[i] != line {
			t.Fatalf("after %s, line %d:\nwas %s\nis  %s", after, i, line, strings.Join(got[min(i, len(got)):], "\n"))
		}
	}
	if len(got) > len(wanted) {
		t.Errorf("after %s there is more: %s", after, got[len(wanted):])
	}
}

// paint asks a server for everything that it knows of a function.
func paint(t *testing.T, client *lambda.Client, name string) portrait {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	p := portrait{Codes: map[string]string{}, Policies: map[string]string{}}
	fn, err := client.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: &name})
	must(err)
	p.Tags = fn.Tags
	if fn.Concurrency != nil {
		p.Reserved = fn.Concurrency.ReservedConcurrentExecutions
	}
	versions, err := client.ListVersionsByFunction(t.Context(), &lambda.ListVersionsByFunctionInput{FunctionName: &name})
	must(err)
	for _, v := range versions.Versions {
		for _, l := range v.Layers {
			got, err := client.GetLayerVersionByArn(t.Context(), &lambda.GetLayerVersionByArnInput{Arn: l.Arn})
			must(err)
			p.Codes[*v.Version] += " " + *got.Content.CodeSha256
		}
		p.Codes[*v.Version] += " " + *v.CodeSha256
		v.LastModified, v.RevisionId = nil, nil
		p.Versions = append(p.Versions, v)
	}
	aliases, err := client.ListAliases(t.Context(), &lambda.ListAliasesInput{FunctionName: &name})
	must(err)
	for _, a := range aliases.Aliases {
		a.RevisionId = nil
		p.Aliases = append(p.Aliases, a)
	}
	events, err := client.ListFunctionEventInvokeConfigs(t.Context(), &lambda.ListFunctionEventInvokeConfigsInput{FunctionName: &name})
	must(err)
	for _, e := range events.FunctionEventInvokeConfigs {
		e.LastModified = nil
		p.Events = append(p.Events, e)
	}
	slices.SortFunc(p.Events, func(a, b types.FunctionEventInvokeConfig) int { return strings.Compare(*a.FunctionArn, *b.FunctionArn) })
	for _, q := range []string{"", "1", "3", "live"} {
		in := &lambda.GetPolicyInput{FunctionName: &name}
		if q != "" {
			in.Qualifier = &q
		}
		if policy, err := client.GetPolicy(t.Context(), in); err == nil {
			p.Policies[q] = *policy.Policy
		}
	}
	return p
}

// history makes a function with a history on a server: three layers of which one is at its
// third version, a version that was deleted, aliases, permissions, settings of events.
func history(t *testing.T, client *lambda.Client, name string) {
	t.Helper()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	one := publishLayer(t, client, "one", zipOf(t, "python/one.py", `TEXT = "one"`))
	for _, text := range []string{"a", "b"} {
		publishLayer(t, client, "many", zipOf(t, "python/many.py", "TEXT = '"+text+"'"))
	}
	must(client.DeleteLayerVersion(t.Context(), &lambda.DeleteLayerVersionInput{LayerName: aws.String("many"), VersionNumber: aws.Int64(1)}))
	many := publishLayer(t, client, "many", zipOf(t, "python/many.py", `TEXT = "many"`))
	source := `
import one, os
def handler(event, context):
    try:
        import many
        text = many.TEXT
    except ImportError:
        text = "none"
    return [one.TEXT, text, os.environ["STAGE"]]
`
	in := creation(t, name, "app.py", "app.handler")
	in.Code.ZipFile, in.Layers, in.Publish = zipOf(t, "app.py", source), []string{one}, true
	in.Environment = &types.Environment{Variables: map[string]string{"STAGE": "first"}}
	in.Tags = map[string]string{"team": "shop", "lambent:concurrency": "2"}
	in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson, LogGroup: aws.String("/shared/logs")}
	deploy(t, client, in)
	for _, stage := range []string{"second", "third"} {
		must(client.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
			FunctionName: &name, Layers: []string{many, one}, Environment: &types.Environment{Variables: map[string]string{"STAGE": stage}},
		}))
		settled(t, client, name)
		must(client.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: &name, Description: aws.String(stage)}))
	}
	must(client.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: &name, Qualifier: aws.String("2")}))
	must(client.CreateAlias(t.Context(), &lambda.CreateAliasInput{
		FunctionName: &name, Name: aws.String("live"), FunctionVersion: aws.String("1"),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"3": 0.25}},
	}))
	must(client.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: &name, ReservedConcurrentExecutions: aws.Int32(7)}))
	for q, retries := range map[string]int32{"": 0, "live": 1, "3": 2} {
		put := &lambda.PutFunctionEventInvokeConfigInput{FunctionName: &name, MaximumRetryAttempts: &retries, MaximumEventAgeInSeconds: aws.Int32(300)}
		permit := &lambda.AddPermissionInput{
			FunctionName: &name, StatementId: aws.String("from" + q), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("s3.amazonaws.com"),
			SourceArn: aws.String("arn:aws:s3:::basket"), SourceAccount: aws.String("123456789012"),
		}
		if q != "" {
			put.Qualifier, permit.Qualifier = &q, &q
			put.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("arn:aws:sqs:us-east-1:000000000000:failed")}}
			permit.Principal, permit.SourceArn, permit.PrincipalOrgID = aws.String("123456789012"), nil, aws.String("o-abcdefghij")
		}
		must(client.PutFunctionEventInvokeConfig(t.Context(), put))
		must(client.AddPermission(t.Context(), permit))
	}
}

// settled waits until an update is done.
func settled(t *testing.T, client *lambda.Client, name string) {
	t.Helper()
	waiter := lambda.NewFunctionUpdatedV2Waiter(client)
	if err := waiter.Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: &name}, 20*time.Second); err != nil {
		t.Fatal(err)
	}
}

// Whatever Lambda's API says of a function it says the same after the move, from one server
// to another and by way of a file.
func TestImportKeepsEverything(t *testing.T) {
	t.Parallel()
	needs(t)
	from, to := up(t, t.TempDir()), up(t, t.TempDir())
	history(t, from.client(), "shop")
	before := paint(t, from.client(), "shop")
	if len(before.Events) != 3 || len(before.Policies) != 3 || len(before.Versions) != 3 {
		t.Fatalf("the function to move is not what it should be: %+v", before)
	}
	var results []struct {
		Name   string
		Behind []string
	}
	if err := json.Unmarshal([]byte(to.command("import", "shop", "--from", "http://"+from.Listen, "--output", "json")), &results); err != nil || len(results) != 1 || len(results[0].Behind) > 0 {
		t.Errorf("%+v, %v", results, err)
	}
	before.same(t, "import", paint(t, to.client(), "shop"))
	answersAs(t, to.client(), "shop:1", `["one","none","first"]`)
	answersAs(t, to.client(), "shop:3", `["one","many","third"]`)

	file := filepath.Join(t.TempDir(), "shop.zip")
	from.command("backup", file, "shop")
	third := up(t, t.TempDir())
	third.command("restore", file)
	before.same(t, "restore", paint(t, third.client(), "shop"))
}

// answersAs invokes a version.
func answersAs(t *testing.T, client *lambda.Client, name, want string) {
	t.Helper()
	out := invoke(t, client, name, `{}`)
	if out.FunctionError != nil || compact(t, out.Payload) != want {
		t.Errorf("%s answered %s, want %s", name, out.Payload, want)
	}
}

// A layer's number that is taken by something else at the target becomes another one, and
// that is said; one that is there already is used.
func TestImportUsesLayersThatAreThere(t *testing.T) {
	t.Parallel()
	needs(t)
	from, to := up(t, t.TempDir()), up(t, t.TempDir())
	mine := zipOf(t, "python/one.py", `TEXT = "one"`)
	layer := publishLayer(t, from.client(), "one", mine)
	for _, name := range []string{"a", "b"} {
		in := creation(t, name, "app.py", "app.echo")
		in.Layers = []string{layer}
		deploy(t, from.client(), in)
	}
	publishLayer(t, to.client(), "one", zipOf(t, "python/one.py", `TEXT = "another"`))
	out := to.command("import", "--from", "http://"+from.Listen)
	if strings.Count(out, "layer one:1 is one:2 here") != 2 {
		t.Errorf("printed:\n%s", out)
	}
	versions, err := to.client().ListLayerVersions(t.Context(), &lambda.ListLayerVersionsInput{LayerName: aws.String("one")})
	if err != nil || len(versions.LayerVersions) != 2 {
		t.Errorf("%+v, %v", versions, err)
	}
}

// What cannot be carried is said, and nothing of the function is left.
func TestImportSaysWhatItCannotCarry(t *testing.T) {
	t.Parallel()
	needs(t)
	from, to := up(t, t.TempDir()), up(t, t.TempDir())
	layer := publishLayer(t, from.client(), "gone", zipOf(t, "python/one.py", ``))
	in := creation(t, "shop", "app.py", "app.echo")
	in.Layers = []string{layer}
	deploy(t, from.client(), in)
	if _, err := from.client().DeleteLayerVersion(t.Context(), &lambda.DeleteLayerVersionInput{LayerName: aws.String("gone"), VersionNumber: aws.Int64(1)}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(binaries, "lambent"), "import", "--from", "http://"+from.Listen)
	cmd.Env = append(os.Environ(), "LAMBENT_ENDPOINT=http://"+to.Listen)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "layer gone:1 cannot be read there") {
		t.Errorf("%v\n%s", err, out)
	}
	if list, err := to.client().ListFunctions(t.Context(), &lambda.ListFunctionsInput{}); err != nil || len(list.Functions) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}
